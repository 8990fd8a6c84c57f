// SPDX-License-Identifier: Apache-2.0
// Meant to fail: leaks processes in test bodies, in a suite and in the program.
#include <curfew/curfew.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <stdexcept>

#include "samples.h"
#include "strays.h"

namespace {

TEST(LeakTest, CleanBefore) {}
TEST(LeakTest, LeavesAChild) {
  LeaveChild();
}
TEST(LeakTest, LeavesADaemon) {
  LeaveDaemon();
}
TEST(LeakTest, CleanAfter) {}

TEST(LeakTest, FailsByItselfFirst) {
  ADD_FAILURE() << "the test's own failure";
  LeaveChild();
}
TEST(LeakTest, ThrowsFirst) {
  LeaveChild();
  throw std::runtime_error("the test's own exception");
}
TEST(LeakTest, SkipsFirst) {
  LeaveChild();
  GTEST_SKIP() << "the test's own reason";
}
TEST(LeakTest, SkipsClean) {
  GTEST_SKIP() << "the test's own reason";
}

// What SetUpTestSuite begins may live while the suite runs, and not longer.
class UntidySuiteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { helper = LeaveChild(); }
  static pid_t helper;
};
pid_t UntidySuiteTest::helper = 0;
TEST_F(UntidySuiteTest, FindsItsHelperAlive) {
  EXPECT_EQ(kill(helper, 0), 0);
}
TEST_F(UntidySuiteTest, FindsItStillAlive) {
  EXPECT_EQ(waitpid(helper, nullptr, WNOHANG), 0);
}

class TidySuiteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { helper = LeaveChild(); }
  static void TearDownTestSuite() {
    kill(helper, SIGKILL);
    waitpid(helper, nullptr, 0);
  }
  static pid_t helper;
};
pid_t TidySuiteTest::helper = 0;
TEST_F(TidySuiteTest, FindsItsHelperAlive) {
  EXPECT_EQ(waitpid(helper, nullptr, WNOHANG), 0);
}
TEST_F(TidySuiteTest, IsBlamedForWhatItLeavesItself) {
  LeaveChild();
}

// With META_LEAK_IN_ENVIRONMENT a global environment leaves a process behind.
class LeakyEnvironment : public testing::Environment {
  void SetUp() override {
    if (std::getenv("META_LEAK_IN_ENVIRONMENT") != nullptr) LeaveChild();
  }
};
[[maybe_unused]] const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new LeakyEnvironment);

// A server whose tree holds a daemon that left it.
class DaemonTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::Sample("double_fork_daemon"); }
};
TEST_F(DaemonTest, IsNamedByItsServer) {
  EXPECT_TRUE(server().running());
}

}  // namespace
