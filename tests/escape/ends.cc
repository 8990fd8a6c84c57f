// SPDX-License-Identifier: Apache-2.0
// The test program of the escape matrix: a real one, on Curfew's fixtures. Each of its tests is a way to end, with the
// server of the column that ESCAPE_COLUMN names. Many are meant to fail.
//
// In each test the server is used first; then the driver is told (a file up.PID in ESCAPE_DIR), has its look, and lets
// the test go on (a file "go").
#include <curfew/curfew.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "table.h"

// A crash on purpose is no finding: under AddressSanitizer, too, it ends the program as it would without.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_abort=0:detect_leaks=0";
}

namespace curfew::escape {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr)
    throw std::runtime_error(std::string(name) + " is not set: this program is run by escape_matrix");
  return value;
}

std::string InDirectory(const std::string& name) {
  return Variable("ESCAPE_DIR") + "/" + name;
}

ServerSpec SpecOfColumn() {
  const std::string name = Variable("ESCAPE_COLUMN");
  const Column* const column = FindColumn(name);
  if (column == nullptr) throw std::runtime_error("there is no column " + name);
  ServerSpec spec{.name = name,
                  .command = {ESCAPE_HOSTILE, name, "--port", "{port}"},
                  .env = {{"ESCAPE_PROGRAM", std::to_string(::getpid())}}};
  spec.stop = {{{SIGTERM, std::chrono::milliseconds(column->grace_ms)}}};
  spec.daemonizes = column->daemonizes;
  return spec;
}

// Proves the server, tells the driver, waits for its word.
void UpThenGo(Server& server) {
  if (ServerFixture::InDeathTestChild()) return;
  TcpClient client(server.host(), server.port(), 60s);
  if (client.Exchange("are you there?") != "are you there?") throw std::runtime_error("the server does not answer");
  ::alarm(150);  // whatever goes wrong with the driver
  const std::string up = InDirectory("up." + std::to_string(::getpid()));
  std::ofstream(up + "~") << server.port() << ' ' << server.pid() << '\n';
  std::filesystem::rename(up + "~", up);
  std::puts("the server is up");  // for ctest's TIMEOUT_AFTER_MATCH
  std::fflush(stdout);
  while (!std::filesystem::exists(InDirectory("go"))) ::usleep(2000);
}

// So that the time-out comes soon, and not before the driver has had its look.
void LetTimePass(std::chrono::steady_clock::time_point test_began) {
  SetTestTimeout(std::chrono::steady_clock::now() - test_began + 500ms);
}

void Overflow(volatile char* above) {
  volatile char frame[4096];
  frame[0] = above == nullptr ? '\0' : above[0];
  if (frame[0] == '\0') Overflow(frame);  // always
}

// A child that lives on without exec, and so holds every descriptor of its parent, our sockets and stdout among them.
void LeaveAFork() {
  if (::fork() != 0) return;
  ::alarm(100);
  for (;;) ::pause();
}

class Ends : public ServerFixture {
 protected:
  ServerSpec Spec() override { return SpecOfColumn(); }
  void SetUp() override {
    ServerFixture::SetUp();
    UpThenGo(server());
  }
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

TEST_F(Ends, Passes) {
  EXPECT_TRUE(server().pid() > 0);
}
TEST_F(Ends, PassesToo) {
  EXPECT_TRUE(server().pid() > 0);
}
TEST_F(Ends, FailsAssert) {
  ASSERT_TRUE(false) << "on purpose";
}
TEST_F(Ends, Throws) {
  throw std::runtime_error("on purpose");
}
TEST_F(Ends, ThrowsInThread) {
  std::thread([] { throw std::runtime_error("on purpose"); }).join();
}
TEST_F(Ends, HangsInRecv) {
  TcpClient client(server().host(), server().port(), 10min);
  LetTimePass(began_);
  (void)client.ReceiveLine();
}
TEST_F(Ends, HangsInLoop) {
  LetTimePass(began_);
  for (volatile bool on = true; on;) {
  }
}
TEST_F(Ends, HangsInDeadlock) {
  LetTimePass(began_);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::mutex mutex;
  std::thread other([&mutex] {
    mutex.lock();
    for (;;) ::pause();
  });
  while (mutex.try_lock()) mutex.unlock();
  mutex.lock();
}
TEST_F(Ends, Exits) {
  std::exit(0);
}
TEST_F(Ends, UnderscoreExits) {
  ::_exit(0);
}
TEST_F(Ends, QuickExits) {
  std::quick_exit(0);
}
TEST_F(Ends, Aborts) {
  std::abort();
}
TEST_F(Ends, Crashes) {
  ::raise(SIGSEGV);
}
TEST_F(Ends, Overflows) {
  Overflow(nullptr);
}
TEST_F(Ends, LeavesAFork) {
  LeaveAFork();
}
TEST_F(Ends, Replaces) {
  const std::string script = "while [ ! -e " + InDirectory("gone") + " ]; do sleep 0.01; done";
  ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
  FAIL() << "exec";
}

class LeavesAForkInSetUp : public Ends {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    LeaveAFork();
    UpThenGo(server());
  }
};
TEST_F(LeavesAForkInSetUp, AndWaits) {
  EXPECT_TRUE(server().pid() > 0);
}

class ThrowsInSetUp : public Ends {
 protected:
  void SetUp() override {
    Ends::SetUp();
    throw std::runtime_error("on purpose");
  }
};
TEST_F(ThrowsInSetUp, Body) {
  FAIL() << "must not run";
}

class ThrowsInTearDown : public Ends {
 protected:
  void TearDown() override { throw std::runtime_error("on purpose, before the server was stopped"); }
};
TEST_F(ThrowsInTearDown, Body) {
  EXPECT_TRUE(server().pid() > 0);
}

class SkipsInSetUp : public Ends {
 protected:
  void SetUp() override {
    Ends::SetUp();
    GTEST_SKIP() << "on purpose";
  }
};
TEST_F(SkipsInSetUp, Body) {
  FAIL() << "must not run";
}

// A suite with a live server whose tests die in children of their own.
class SharedEnds : public SharedServerFixture<SharedEnds> {
 public:
  static ServerSpec Spec() { return SpecOfColumn(); }

 protected:
  void SetUp() override {
    SharedServerFixture::SetUp();
    if (!ServerFixture::InDeathTestChild()) UpThenGo(server());
  }
};
TEST_F(SharedEnds, DiesFast) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_EXIT(std::_Exit(3), testing::ExitedWithCode(3), "");
  EXPECT_DEATH(std::abort(), "");
}
TEST_F(SharedEnds, DiesThreadsafe) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(3), testing::ExitedWithCode(3), "");
  EXPECT_DEATH(std::abort(), "");
}

// No cores of programs that crash on purpose.
[[maybe_unused]] const bool kNoCores = [] {
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0;
}();

}  // namespace
}  // namespace curfew::escape
