// SPDX-License-Identifier: Apache-2.0
// Promise 1, row by row: however the test program ends, nothing of it is left. Seen from outside, by a variable
// in the environment that Curfew knows nothing of.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <random>
#include <string>
#include <tuple>

#include "processes.h"

namespace curfew {
namespace {

using testing_support::Eventually;
using testing_support::Program;
using testing_support::TemporaryDirectory;
using testing_support::Truth;

bool NoRunDirectoryIn(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("curfew-")) return false;
  }
  return true;
}

class Endings : public testing::Test {
 protected:
  Program Start(const std::string& ending, const std::string& sample) {
    return Program({CURFEW_VICTIM, ending, sample, touched_},
                   {{Truth::kVariable, truth_.token()}, {"TMPDIR", directory_.path()}});
  }
  bool AwaitUp() {
    return Eventually([this] { return std::filesystem::exists(touched_); });
  }
  void ExpectNothingLeft() {
    EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
    EXPECT_TRUE(Eventually([this] { return NoRunDirectoryIn(directory_.path()); })) << directory_.path();
  }

  Truth truth_;
  TemporaryDirectory directory_;
  std::string touched_ = directory_.path() + "/up";
};

class ByItself : public Endings, public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(ByItself, LeavesNothing) {
  const auto& [ending, sample] = GetParam();
  Program victim = Start(ending, sample);
  ASSERT_TRUE(AwaitUp());
  ASSERT_TRUE(victim.Wait());
  ExpectNothingLeft();
}

std::string NameOf(const testing::TestParamInfo<std::tuple<const char*, const char*>>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
}

INSTANTIATE_TEST_SUITE_P(Ways, ByItself,
                         testing::Combine(testing::Values("return", "exit", "_exit", "quick_exit", "abort", "terminate",
                                                          "thread_throws", "segv", "overflow"),
                                          testing::Values("tcp_echo", "double_fork_daemon", "ignores_sigterm",
                                                          "many_groups")),
                         NameOf);

class Killed : public Endings, public testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(Killed, LeavesNothing) {
  const auto& [ending, sample] = GetParam();
  Program victim = Start(ending, sample);
  ASSERT_TRUE(AwaitUp());
  victim.Signal(SIGKILL);
  ASSERT_TRUE(victim.Wait());
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Ways, Killed,
                         testing::Combine(testing::Values("hang", "fork_and_hang", "stray_and_hang"),
                                          testing::Values("tcp_echo", "double_fork_daemon", "own_session_child",
                                                          "forks_workers", "ignores_sigterm", "many_groups")),
                         NameOf);

class Signalled : public Endings, public testing::WithParamInterface<int> {};

TEST_P(Signalled, EndsByItsSignalAndNotBeforeTheTreesAreGone) {
  // slow_stop takes its second: a program that did not wait for its keeper would be gone long before.
  Program victim = Start("hang", "slow_stop");
  ASSERT_TRUE(AwaitUp());
  victim.Signal(GetParam());
  const auto status = victim.Wait();
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status) && WTERMSIG(*status) == GetParam()) << *status;
  EXPECT_TRUE(truth_.Alive().empty()) << truth_.Describe();
}

INSTANTIATE_TEST_SUITE_P(Signals, Signalled, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_F(Endings, SameSignalTwiceEndsTheProgramAtOnceAndTheKeeperFinishes) {
  Program victim = Start("hang", "slow_stop");
  ASSERT_TRUE(AwaitUp());
  victim.Signal(SIGINT);
  // Handled at least once when the server has been told; then the next one ends the program.
  for (int round = 0; round < 2; ++round) victim.Signal(SIGINT);
  ASSERT_TRUE(victim.Wait());
  ExpectNothingLeft();
}

// The keeper must not end with the last server while the program, and so its strays, are only about to end.
TEST_F(Endings, StraysAreReapedWhenTheProgramReturnsOrIsSignalled) {
  for (const int signal : {0, SIGTERM}) {
    std::filesystem::remove(touched_);
    Program victim = Start(signal == 0 ? "stray_and_return" : "stray_and_hang", "tcp_echo");
    ASSERT_TRUE(AwaitUp());
    if (signal != 0) victim.Signal(signal);
    ASSERT_TRUE(victim.Wait());
    EXPECT_TRUE(truth_.AwaitNothing()) << signal << ": " << truth_.Describe();
  }
}

// With no server left the keeper has nothing to wait for, and meets the program's end first as a closed socket.
TEST_F(Endings, StraysAreReapedWhenNoServerIsLeft) {
  for (int round = 0; round < 5; ++round) {
    Program victim = Start("stopped_stray_exit", "tcp_echo");
    ASSERT_TRUE(victim.Wait());
    ASSERT_TRUE(truth_.AwaitNothing()) << round << ": " << truth_.Describe();
  }
}

TEST_F(Endings, StoppedKeeperDoesNotHoldUpTheEnd) {
  Program victim = Start("stop_keeper_and_return", "tcp_echo");
  ASSERT_TRUE(victim.Wait());
  ExpectNothingLeft();
}

TEST_F(Endings, StrayOfAProgramThatExitsIsReaped) {
  Program victim = Start("stray_and_exit", "tcp_echo");
  ASSERT_TRUE(victim.Wait());
  ExpectNothingLeft();
}

TEST_F(Endings, ProgramThatReplacesItselfLosesItsServers) {
  Program victim = Start("exec", "double_fork_daemon");
  ASSERT_TRUE(AwaitUp());
  // The replaced program goes on under its own pid, with the token in its environment.
  EXPECT_TRUE(Eventually([&] { return truth_.Alive() == std::vector<pid_t>{victim.pid()}; })) << truth_.Describe();
}

// At random moments: while the keeper starts, while the server does, in between.
TEST_F(Endings, KillAtRandomMomentsLeavesNothing) {
  std::mt19937 random(static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed()));
  for (int round = 0; round < 10; ++round) {
    Program victim = Start("hang", round % 2 == 0 ? "double_fork_daemon" : "many_groups");
    // A moment of the program's own progress, not of the clock: so many system-visible steps from its start.
    const auto steps = std::uniform_int_distribution<int>(0, 40)(random);
    for (int step = 0; step < steps; ++step) static_cast<void>(truth_.Alive());
    victim.Signal(SIGKILL);
    ASSERT_TRUE(victim.Wait());
    ASSERT_TRUE(truth_.AwaitNothing()) << "round " << round << ": " << truth_.Describe();
  }
  ExpectNothingLeft();
}

}  // namespace
}  // namespace curfew
