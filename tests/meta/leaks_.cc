// SPDX-License-Identifier: Apache-2.0
// Meant to fail: leaks processes in test bodies, in a suite and in the program.
#include <curfew/curfew.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
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

// Exemptions in code, for one test and, with META_EXEMPT, for the program.
TEST(ExemptTest, LeavesAChildThatMayStay) {
  curfew::AddLeakExemptionForThisTest({.command = "*meta_leaks_*", .reason = "this test's own"});
  LeaveChild();
}
TEST(ExemptTest, TheNextOneMayNot) {
  LeaveChild();
}
[[maybe_unused]] const bool kExempted = [] {
  if (std::getenv("META_EXEMPT") == nullptr) return false;
  curfew::AddLeakExemption({.command = "*meta_leaks_*", .reason = "known to everybody"});
  curfew::AddLeakExemption({.command = "*nobody-runs-this*", .reason = "once needed"});
  return true;
}();

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

// What is no process. In META_RESOURCES, so that they can be told from those of other programs.
class ResourceTest : public testing::Test {
 protected:
  static std::string Path(const char* name) { return std::string(std::getenv("META_RESOURCES")) + name; }
  static void SetUpTestSuite() { std::ofstream(Path(".suite")) << "x"; }
};
TEST_F(ResourceTest, LeavesSharedMemory) { std::ofstream(Path(".test")) << "x"; }
TEST_F(ResourceTest, LeavesItAnew) {
  std::filesystem::remove(Path(".test"));
  std::ofstream(Path(".other")) << "x";  // so that the number of the file is not given out again
  std::ofstream(Path(".test")) << "x";
}
TEST_F(ResourceTest, LeavesNothing) {
  std::ofstream(Path(".short")) << "x";
  std::filesystem::remove(Path(".short"));
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

// A daemon that serves, and is the server. Tells META_HOLD that it is up, and waits to be killed.
class ServingDaemonTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    auto spec = curfew::Sample("double_fork_daemon", {"--leader-exits"});
    spec.daemonizes = true;
    return spec;
  }
};
TEST_F(ServingDaemonTest, IsHeldOpen) {
  if (std::getenv("META_HOLD") == nullptr) GTEST_SKIP() << "for somebody who kills it";
  const char* const hold = std::getenv("META_HOLD");
  std::ofstream(std::string(hold) + ".part") << server().pid() << '\n';
  std::filesystem::rename(std::string(hold) + ".part", hold);
  for (;;) pause();
}

}  // namespace
