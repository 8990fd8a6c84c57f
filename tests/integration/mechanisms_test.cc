// SPDX-License-Identifier: Apache-2.0
// Each mechanism carries its promise: with it switched off the promise breaks, or another one is seen to stand
// in for it. Without these tests the others could pass for the wrong reason.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "process/names.h"
#include "processes.h"

namespace curfew {
namespace {

using testing_support::Eventually;
using testing_support::Program;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;
using testing_support::Truth;

class Mechanisms : public testing::Test {
 protected:
  Program Start(const std::string& ending, const std::string& sample, const std::string& disabled) {
    return Program({CURFEW_VICTIM, ending, sample, touched_},
                   {{Truth::kVariable, truth_.token()},
                    {"TMPDIR", directory_.path()},
                    {"CURFEW_TEST_DISABLE", disabled}});
  }
  bool AwaitUp() {
    return Eventually([this] { return std::filesystem::exists(touched_); });
  }
  // Whoever of the living has this name: "curfew-warden".
  std::vector<pid_t> Named(const std::string& name) const {
    std::vector<pid_t> found;
    for (const pid_t pid : truth_.Alive()) {
      if (ReadFile("/proc/" + std::to_string(pid) + "/comm") == name + "\n") found.push_back(pid);
    }
    return found;
  }
  void Kill(const std::string& name) {
    const auto found = Named(name);
    ASSERT_EQ(found.size(), 1U) << truth_.Describe();
    auto pidfd = process::Pidfd::Open(found.front());
    ASSERT_TRUE(pidfd.ok());
    ASSERT_EQ(Named(name), found);  // still the one that was meant, now pinned
    ASSERT_EQ(pidfd->Signal(SIGKILL), 0);
  }
  // Nothing but these is left, and stays: everybody else has had the time to end.
  void ExpectSurvivor(const std::string& name) {
    EXPECT_TRUE(Eventually([&] { return Named("curfew-keeper").empty() && Named("curfew-warden").empty(); }));
    EXPECT_FALSE(Named(name).empty()) << "nothing survived: the mechanism under test does not matter";
  }
  ~Mechanisms() override { truth_.EndAll(); }

  Truth truth_;
  TemporaryDirectory directory_;
  std::string touched_ = directory_.path() + "/up";
};

// A daemon is adopted by its warden because that is a subreaper; the tag finds it even so.
TEST_F(Mechanisms, DaemonSurvivesWithoutSubreaperAndTag) {
  Program victim = Start("hang", "double_fork_daemon", "subreaper,tag");
  ASSERT_TRUE(AwaitUp());
  victim.Signal(SIGKILL);
  ExpectSurvivor("double_fork_dae");
}

TEST_F(Mechanisms, EitherSubreaperOrTagIsEnough) {
  for (const auto* disabled : {"subreaper", "tag"}) {
    std::filesystem::remove(touched_);
    Program victim = Start("hang", "double_fork_daemon", disabled);
    ASSERT_TRUE(AwaitUp());
    victim.Signal(SIGKILL);
    EXPECT_TRUE(truth_.AwaitNothing()) << "without " << disabled << ": " << truth_.Describe();
  }
}

// A fork of the test program keeps the control socket open; only the pidfd tells that the program is dead.
TEST_F(Mechanisms, ForkedChildHidesTheDeathWithoutPidfd) {
  Program victim = Start("fork_and_hang", "tcp_echo", "pidfd");
  ASSERT_TRUE(AwaitUp());
  ASSERT_TRUE(Eventually([this] { return Named("victim").size() == 2; })) << truth_.Describe();
  victim.Signal(SIGKILL);
  ASSERT_TRUE(victim.Wait());
  // With the watch this takes milliseconds (endings_test); without it the server is up for as long as the fork is.
  EXPECT_FALSE(truth_.AwaitNothing(std::chrono::seconds(2)));
  EXPECT_EQ(Named("tcp_echo").size(), 1U) << truth_.Describe();
}

// The stray of a test body is found after the program's death by its tag; it has no mark to be seen and no parent.
TEST_F(Mechanisms, StraySurvivesTheProgramWithoutTag) {
  Program victim = Start("stray_and_hang", "tcp_echo", "tag");
  ASSERT_TRUE(AwaitUp());
  ASSERT_TRUE(Eventually([this] { return Named("sleep").size() == 1; })) << truth_.Describe();
  victim.Signal(SIGKILL);
  ExpectSurvivor("sleep");
}

// A warden killed by its server: the keeper is the second subreaper and reaps what it left.
TEST_F(Mechanisms, KeeperReapsTheTreeOfAKilledWarden) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-warden"));
  EXPECT_TRUE(Eventually([this] { return Named("double_fork_dae").empty(); })) << truth_.Describe();
}

TEST_F(Mechanisms, WardensStopTheirTreesWhenTheKeeperIsKilled) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-keeper"));
  EXPECT_TRUE(Eventually([&] { return truth_.Alive() == std::vector<pid_t>{victim.pid()}; })) << truth_.Describe();
}

TEST_F(Mechanisms, NothingIsLeftWhenKeeperAndProgramAreKilledTogether) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-keeper"));
  victim.Signal(SIGKILL);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

}  // namespace
}  // namespace curfew
