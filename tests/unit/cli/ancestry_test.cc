// SPDX-License-Identifier: Apache-2.0
#include "cli/ancestry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AncestryTest : public testing::Test {
 protected:
  AncestryTest() {
    ancestry_.Begin(1);
    ancestry_.OnFork(1, kLeader);
    ancestry_.OnExec(kLeader, "ctest -j8");
  }
  static constexpr pid_t kLeader = 1 << 30;
  procfs::Proc proc_{"/nowhere"};
  Ancestry ancestry_{proc_};
};

TEST_F(AncestryTest, TellsTheWayToAProcessWhoseParentsAreGone) {
  ancestry_.OnFork(kLeader, 20);
  ancestry_.OnExec(20, "./kv_test --gtest_filter=Kv.Pings");
  ancestry_.OnFork(20, 30);
  ancestry_.OnExec(30, "sh -c daemon");
  ancestry_.OnFork(30, 40);
  ancestry_.OnExit(30);
  ancestry_.OnExit(20);
  ancestry_.OnFork(40, 50);
  ancestry_.OnExec(50, "daemon");
  ancestry_.OnExit(40);
  EXPECT_THAT(ancestry_.Of(50), ElementsAre("ctest -j8", "./kv_test --gtest_filter=Kv.Pings", "sh -c daemon"));
}

TEST_F(AncestryTest, StrangersAreNotFollowedNorReusedNumbersTaken) {
  ancestry_.OnFork(kLeader, 20);
  ancestry_.OnExec(20, "ours");
  ancestry_.OnFork(7, 20);  // its exit was lost, and a stranger has the number now
  ancestry_.OnExec(20, "theirs");
  EXPECT_THAT(ancestry_.Of(20), IsEmpty());
  EXPECT_THAT(ancestry_.Of(7), IsEmpty());
}

TEST_F(AncestryTest, OnlyForkedOnesAreNoStepOfTheWay) {
  ancestry_.OnFork(kLeader, 20);
  ancestry_.OnFork(20, 21);
  ancestry_.OnFork(21, 22);
  EXPECT_THAT(ancestry_.Of(22), ElementsAre("ctest -j8"));
}

TEST_F(AncestryTest, LongWaysAreCutInTheMiddle) {
  pid_t last = kLeader;
  for (pid_t pid = 100; pid < 200; ++pid) {
    ancestry_.OnFork(last, pid);
    ancestry_.OnExec(pid, "step" + std::to_string(pid));
    last = pid;
  }
  const auto way = ancestry_.Of(199);
  EXPECT_THAT(way, SizeIs(6));
  EXPECT_EQ(way.front(), "ctest -j8");
  EXPECT_EQ(way.back(), "step198");
}

TEST(BlameByCommandTest, TakesTheNameOfOneTestAndNoPattern) {
  const auto blamed = [](const std::string& command) {
    Leak leak;
    leak.ancestors = {"ctest", command, "sh"};
    BlameByCommand(leak);
    return leak.test;
  };
  EXPECT_EQ(blamed("./kv_test --gtest_filter=Kv.Pings --x"), "Kv.Pings");
  EXPECT_EQ(blamed("./kv_test '--gtest_filter=Kv.Pings/0'"), "Kv.Pings/0");
  for (const char* none :
       {"./kv_test", "./kv_test --gtest_filter=Kv.*", "./kv_test --gtest_filter=A.B:C.D", "./t --gtest_filter="}) {
    EXPECT_EQ(blamed(none), "") << none;
  }
}

}  // namespace
}  // namespace curfew::cli
