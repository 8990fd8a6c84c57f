// SPDX-License-Identifier: Apache-2.0
// A real PID namespace, with a user namespace where the tests run without privilege.
#include "process/seal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "containment/reaper.h"
#include "containment/stop_routine.h"
#include "containment/tree_finder.h"
#include "process/launch.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SealTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    auto seal = process::Seal::Make();
    if (!seal.ok()) GTEST_SKIP() << "no namespaces to be had here: " << seal.failure().ToString();
    seal_ = std::move(*seal);
    ASSERT_EQ(::pipe2(output_, O_CLOEXEC), 0);
  }
  void TearDown() override {
    if (!seal_) return;
    static_cast<void>(seal_->init().Signal(SIGKILL));
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
  }

  process::Result<process::Pidfd> Launch(const std::string& script, const std::string& shell = "/bin/sh") {
    process::LaunchRequest request;
    request.executable = shell;
    request.argv = {"sh", "-c", "ulimit -t 60; " + script};
    request.environment = {"PATH=/usr/bin:/bin"};
    request.stdout_fd = output_[1];
    request.stderr_fd = output_[1];
    request.new_session = true;
    request.parent_death_signal = SIGKILL;
    request.seal = &*seal_;
    return process::Launcher::Real().Launch(request);
  }
  // What the tree has printed up to the first full stop.
  std::string Said() const {
    std::string text;
    for (char byte = 0; ::read(output_[0], &byte, 1) == 1 && byte != '.';) text += byte;
    return text;
  }
  static bool Eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      ::usleep(1000);
    }
    return true;
  }

  std::optional<process::Seal> seal_;
  int output_[2] = {-1, -1};
  procfs::Proc proc_;
};

TEST_F(SealTest, TheLeaderIsOurChildAndKnownByItsNumberOutside) {
  auto leader = Launch("echo $$ $PPID $(id -u).; read x; exit 7");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  EXPECT_EQ(Said(), "2 0 " + std::to_string(::geteuid()));
  int status = 0;
  ASSERT_EQ(::waitpid(leader->pid(), &status, 0), leader->pid());
  EXPECT_TRUE(WIFEXITED(status)) << "its stdin is /dev/null";
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(SealTest, TheInitCollectsOrphansAndEndsWithTheLastOfThem) {
  auto leader = Launch("(setsid sleep 600 &); (sleep 600 &)");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  TreeFinder finder(proc_, ::getpid(), std::nullopt);
  finder.AddInit(seal_->init().pid());
  Reaper reaper(leader->pid(), &*seal_);
  EXPECT_TRUE(Eventually([&] { return reaper.Collect(), reaper.leader_status().has_value(); }));
  EXPECT_FALSE(finder.FindThoroughly().empty()) << "the daemons live";
  EXPECT_FALSE(reaper.nothing_left());
  for (const auto& member : finder.FindThoroughly()) {
    EXPECT_NE(member.pid, seal_->init().pid()) << "the init is ours, and none of the tree";
    ASSERT_TRUE(finder.Contains(member.pid));
    auto pidfd = process::Pidfd::Open(member.pid);
    if (pidfd.ok()) static_cast<void>(pidfd->Signal(SIGKILL));
  }
  EXPECT_TRUE(Eventually([&] { return !reaper.Collect(); })) << "the init is still there";
  EXPECT_TRUE(seal_->init().Ended());
}

TEST_F(SealTest, TheEndOfTheInitIsTheEndOfEverybody) {
  auto leader = Launch(
      "for i in 1 2 3 4 5; do (setsid sh -c \"trap '' TERM HUP INT; echo x; sleep 600; sleep 600\" &); done;"
      "trap '' TERM; while :; do sleep 600; done");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  TreeFinder finder(proc_, ::getpid(), std::nullopt);
  finder.AddInit(seal_->init().pid());
  EXPECT_TRUE(Eventually([&] { return finder.FindThoroughly().size() >= 11; }));
  Reaper reaper(leader->pid(), &*seal_);
  ASSERT_EQ(seal_->init().Signal(SIGKILL), 0);
  EXPECT_TRUE(Eventually([&] { return !reaper.Collect(); }));
  EXPECT_THAT(finder.FindThoroughly(), IsEmpty());
  EXPECT_EQ(reaper.leader_status(), ExitStatus::KilledBy(SIGKILL));
}

TEST_F(SealTest, NobodyInsideCanEndTheInit) {
  auto leader = Launch("kill -9 1; kill -TERM 1; kill -STOP 1; kill -9 -1; echo alive.; sleep 600");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  EXPECT_THAT(Said(), HasSubstr("alive"));
  EXPECT_FALSE(seal_->init().Ended());
}

TEST_F(SealTest, SeesAProcOfItsOwn) {
  if (!seal_->own_proc()) GTEST_SKIP() << "no /proc can be mounted here";
  auto leader = Launch("cd /proc; echo [0-9]*; echo .");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  EXPECT_EQ(Said(), "1 2\n");
  EXPECT_GT(proc_.Pids().size(), 2U) << "ours is what it was";
}

TEST_F(SealTest, AFailedExecIsToldWithItsErrnoAndLeavesNothing) {
  const auto leader = Launch("", "/nonexistent/sh");
  ASSERT_FALSE(leader.ok());
  EXPECT_EQ(leader.failure().operation, "execute /nonexistent/sh");
  EXPECT_EQ(leader.failure().error, ENOENT);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child but the init";
  EXPECT_EQ(errno, ECHILD);
}

// What the stop routine sees of a sealed tree is what it sees of any other.
TEST_F(SealTest, IsStoppedAsAnyTree) {
  ASSERT_EQ(BecomeSubreaper(), 0);
  auto leader = Launch("trap 'exit 3' TERM; (setsid sleep 600 &); sleep 0.1; echo up.; while :; do sleep 0.05; done");
  ASSERT_TRUE(leader.ok()) << leader.failure().ToString();
  EXPECT_EQ(Said(), "up");
  TreeFinder finder(proc_, ::getpid(), std::nullopt);
  finder.AddInit(seal_->init().pid());
  Reaper reaper(leader->pid(), &*seal_);
  const SealEnclosure enclosure(*seal_);
  StopRoutine stop(finder, *leader, reaper, {.steps = {{SIGTERM, 600s}}}, false, {&enclosure});
  const auto deadline = stop.NextStep();
  ASSERT_TRUE(deadline);
  EXPECT_TRUE(Eventually([&] { return !reaper.Collect(); }));
  const auto result = stop.Finish();
  EXPECT_EQ(result.leader, ExitStatus::Exited(3));
  EXPECT_TRUE(result.graceful()) << result;
  ASSERT_THAT(result.orphans, SizeIs(1)) << "the daemon, and not the init";
  EXPECT_TRUE(result.orphans.front().reaped);
}

}  // namespace
}  // namespace curfew::containment
