// SPDX-License-Identifier: Apache-2.0
// ServerSpec::sealed: what a test sees of a sealed server is what it sees of any other.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include <curfew/curfew.h>

#include "process/seal.h"
#include "processes.h"
#include "server/run.h"

namespace curfew {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;
using testing_support::Eventually;

class Sealed : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto seal = process::Seal::Make(); seal.ok()) {
      seal->End();
    } else {
      GTEST_SKIP() << "no namespaces to be had here: " << seal.failure().ToString();
    }
  }
  static ServerSpec Sample(const std::string& name) {
    return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"}, .sealed = true};
  }
  static ServerSpec Shell(const std::string& line) {
    return {.shell = line, .ready = Ready::Log("up"), .sealed = true};
  }
};

TEST_F(Sealed, ServesAndStopsAsAnyOther) {
  auto server = Server::Start(Sample("tcp_echo"));
  EXPECT_TRUE(server.tree().Contains(server.pid()));
  EXPECT_THAT(server.tree().processes, SizeIs(1)) << server.tree() << "the init is none of the tree";
  EXPECT_THAT(server, IsListeningOn(server.port()));
  const auto stopped = server.Stop();
  EXPECT_TRUE(stopped.graceful()) << stopped;
  EXPECT_EQ(stopped.leader, ExitStatus::KilledBy(SIGTERM));
  EXPECT_THAT(stopped.processes, SizeIs(1)) << stopped;
}

TEST_F(Sealed, LivesInANamespaceOfItsOwnAsTheSameUser) {
  auto server = Server::Start(Shell("echo I am $$, $(id -u):$(id -g), below $PPID; echo up; sleep 100"));
  const std::string who = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
  EXPECT_THAT(server, HasLogLine("I am 2, " + who + ", below 0"));
  EXPECT_GT(server.pid(), 2);
}

TEST_F(Sealed, EndsAreToldWithTheirStatus) {
  auto server = Server::Start(Shell("trap 'exit 5' USR1; echo up; while :; do sleep 0.05; done"));
  server.Signal(SIGUSR1);
  EXPECT_EQ(server.WaitExit(30s), ExitStatus::Exited(5));
  server.Restart();
  server.Pause();
  server.Resume();
  server.Crash();
  EXPECT_THAT(server, WasKilledBy(SIGKILL));
}

TEST_F(Sealed, AFailedExecIsToldWithItsErrno) {
  const std::string script = testing::TempDir() + "/sealed-bad-interpreter-" + std::to_string(::getpid());
  std::ofstream(script) << "#!/nonexistent/interpreter\n";
  ASSERT_EQ(::chmod(script.c_str(), 0755), 0);
  try {
    static_cast<void>(Server::Start({.command = {script}, .ready = Ready::Log("never"), .sealed = true}));
    ADD_FAILURE() << "started";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kCouldNotLaunch);
    EXPECT_THAT(error.what(), HasSubstr("ENOENT"));
  }
  ::unlink(script.c_str());
}

TEST_F(Sealed, WhatIgnoresEverythingIsKilledWithAllItBegan) {
  auto spec = Shell(
      "trap '' TERM; for i in 1 2 3; do (setsid sh -c \"trap '' TERM; sleep 100; sleep 100\" &); done; echo up; sleep "
      "100; "
      "sleep 100");
  spec.stop = {{{SIGTERM, 100ms}}};
  spec.daemonizes = true;
  auto server = Server::Start(std::move(spec));
  ASSERT_TRUE(Eventually([&] { return server.tree().size() >= 8; })) << server.tree();
  const auto stopped = server.Stop();
  EXPECT_FALSE(stopped.graceful()) << stopped;
  EXPECT_TRUE(stopped.survivors.empty()) << stopped;
}

TEST_F(Sealed, OrphansAreLeaksHereToo) {
  auto server = Server::Start(Shell("(setsid sleep 100 &); sleep 0.1; echo up; sleep 100"));
  const auto stopped = server.Stop();
  ASSERT_THAT(stopped.orphans, SizeIs(1)) << stopped;
  EXPECT_THAT(stopped.orphans.front().evidence, Contains("lineage"));
  EXPECT_THAT(curfew::Run::Current().CheckForLeaks(curfew::Run::Scope::kTest, "this test"), SizeIs(1));
}

TEST_F(Sealed, ALeaderThatEndsLeavesItsDaemonAlive) {
  auto spec = Sample("double_fork_daemon");
  spec.daemonizes = true;
  auto server = Server::Start(std::move(spec));
  EXPECT_THAT(server, IsListeningOn(server.port()));
  EXPECT_TRUE(server.Stop().survivors.empty());
}

}  // namespace
}  // namespace curfew
