// SPDX-License-Identifier: Apache-2.0
// The leak check as a user sees it: printer, XML, exit code.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(LeaksTest, CleanTestsPass) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.Clean*:LeakTest.SkipsClean"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome, Passed("LeakTest.CleanBefore"));
  // No server, no leak: not a word of ours.
  EXPECT_EQ(outcome.Count("CURFEW"), 0U) << outcome.output;
}

TEST(LeaksTest, GuiltyTestFailsAndItsNeighboursDoNot) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.Clean*:LeakTest.Leaves*"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("LeakTest.CleanBefore"));
  EXPECT_THAT(outcome, Failed("LeakTest.LeavesAChild"));
  EXPECT_THAT(outcome, Failed("LeakTest.LeavesADaemon"));
  EXPECT_THAT(outcome, Passed("LeakTest.CleanAfter"));
  EXPECT_EQ(outcome.Count("[  FAILED  ] 2 tests"), 1U);
  EXPECT_THAT(outcome.output, HasSubstr("[ CURFEW   ] 0 servers, 2 leaks\n"));
  EXPECT_THAT(outcome.strays, SizeIs(2));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(LeaksTest, ReportNamesTheProcessAndTheTest) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesADaemon"});
  ASSERT_THAT(outcome.strays, SizeIs(1));
  const std::string pid = std::to_string(outcome.strays[0]);
  const auto report = AllOf(HasSubstr("1 process leaked, found when LeakTest.LeavesADaemon had ended"),
                            HasSubstr(pid), HasSubstr("meta_leaks_"), HasSubstr("session"));
  EXPECT_THAT(outcome.OutputOf("LeakTest.LeavesADaemon"), report);
  EXPECT_THAT(outcome.XmlOf("LeakTest.LeavesADaemon"), report);
  // A click on the failure leads to the test.
  EXPECT_THAT(outcome.OutputOf("LeakTest.LeavesADaemon"), HasSubstr("leaks_.cc:"));
}

TEST(LeaksTest, OwnFailureStaysFirst) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.FailsByItselfFirst"});
  const std::string xml = outcome.XmlOf("LeakTest.FailsByItselfFirst");
  EXPECT_LT(xml.find("the test's own failure"), xml.find("1 process leaked")) << xml;
  EXPECT_THAT(xml, HasSubstr("1 process leaked"));
}

TEST(LeaksTest, OwnExceptionStaysFirst) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.ThrowsFirst"});
  const std::string xml = outcome.XmlOf("LeakTest.ThrowsFirst");
  EXPECT_LT(xml.find("own exception"), xml.find("1 process leaked")) << xml;
  EXPECT_THAT(xml, HasSubstr("1 process leaked"));
}

TEST(LeaksTest, SkippedTestThatLeaksFails) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.SkipsFirst:LeakTest.SkipsClean"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("LeakTest.SkipsFirst"));
  EXPECT_THAT(outcome.OutputOf("LeakTest.SkipsClean"), HasSubstr("[  SKIPPED ]"));
}

TEST(LeaksTest, WarnPrintsAndPasses) {
  for (const Outcome& outcome :
       {RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesAChild", "--curfew_leaks=warn"}),
        RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesAChild"}, {{"CURFEW_LEAKS", "warn"}})}) {
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome, Passed("LeakTest.LeavesAChild"));
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("curfew: warning: 1 process leaked"), HasSubstr("1 leak\n")));
    EXPECT_THAT(outcome.survivors, IsEmpty());
  }
}

TEST(LeaksTest, OffSaysNothing) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesAChild", "--curfew_leaks=off"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, Not(HasSubstr("leaked")));
  // No server was started, so there is no keeper to end what is left: off means off.
  for (const pid_t stray : outcome.strays) kill(stray, SIGKILL);
}

TEST(LeaksTest, FlagWinsOverVariable) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesAChild", "--curfew_leaks=fail"},
                                     {{"CURFEW_LEAKS", "off"}});
  EXPECT_EQ(outcome.exit_code, 1);
}

TEST(LeaksTest, ProcessOfASuiteLivesWhileTheSuiteRunsAndFailsTheSuite) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=UntidySuiteTest.*:LeakTest.CleanAfter"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("UntidySuiteTest.FindsItsHelperAlive"));
  EXPECT_THAT(outcome, Passed("UntidySuiteTest.FindsItStillAlive"));
  EXPECT_THAT(outcome, Passed("LeakTest.CleanAfter"));
  EXPECT_THAT(outcome.output, HasSubstr("1 process leaked, found when UntidySuiteTest had ended"));
  EXPECT_THAT(outcome.output, HasSubstr("[ CURFEW   ] 0 servers, 1 leak\n"));
  // GoogleTest leaves failures of suites out of its XML; we do not.
  EXPECT_THAT(outcome.xml, HasSubstr("1 process leaked, found when UntidySuiteTest had ended"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(LeaksTest, TidySuiteIsNotBlamedButItsTestIs) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=TidySuiteTest.*"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("TidySuiteTest.FindsItsHelperAlive"));
  EXPECT_THAT(outcome, Failed("TidySuiteTest.IsBlamedForWhatItLeavesItself"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("found when TidySuiteTest had ended")));
}

TEST(LeaksTest, ProcessOfAnEnvironmentFailsTheProgram) {
  const Outcome outcome =
      RunProgram("leaks", {"--gtest_filter=LeakTest.CleanBefore"}, {{"META_LEAK_IN_ENVIRONMENT", "1"}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("LeakTest.CleanBefore"));
  EXPECT_THAT(outcome.output, HasSubstr("found when the test program had ended"));
  EXPECT_THAT(outcome.xml, HasSubstr("found when the test program had ended"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(LeaksTest, OrphanInsideAServerIsNamedByItsServer) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=DaemonTest.*"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("DaemonTest.IsNamedByItsServer"));
  EXPECT_THAT(outcome.XmlOf("DaemonTest.IsNamedByItsServer"), HasSubstr("double_fork_daemon"));
  EXPECT_THAT(outcome.output, HasSubstr("1 server, "));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(LeaksTest, RepeatedRunFailsIfOneRoundLeaks) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=LeakTest.Leaves*", "--gtest_repeat=3"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.strays, SizeIs(6));
  EXPECT_THAT(outcome.output, HasSubstr("0 servers, 6 leaks\n"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(LeaksTest, ListingStartsAndSaysNothing) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_list_tests"},
                                     {{"META_LEAK_IN_ENVIRONMENT", "1"}, {"CURFEW_LEAKS", "fail"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.Count("CURFEW"), 0U);
  EXPECT_THAT(outcome.strays, IsEmpty());
}

TEST(ExemptionsTest, OneForATestHoldsForThatTestAlone) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=ExemptTest.*"});
  EndSurvivors(outcome);  // what is exempted is left alone
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("ExemptTest.LeavesAChildThatMayStay"));
  EXPECT_THAT(outcome, Failed("ExemptTest.TheNextOneMayNot"));
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("exempted    this test's own"), HasSubstr("left alone, since it is exempted"),
                    HasSubstr("0 servers, 2 leaks, 1 of them exempted")));
  EXPECT_THAT(outcome.survivors, SizeIs(1)) << "one was to stay";
}

TEST(ExemptionsTest, OneForTheProgramHoldsForAllAndAnUnusedOneIsNamed) {
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=ExemptTest.*"}, {{"META_EXEMPT", "1"}});
  EndSurvivors(outcome);  // what is exempted is left alone
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("exempted    known to everybody"), HasSubstr("2 leaks, 2 of them exempted")));
  // Of a part of the tests it says nothing: the others might need it.
  EXPECT_THAT(outcome.output, Not(HasSubstr("exemption not needed")));
  const Outcome all = RunProgram("leaks", {"--gtest_brief=1"}, {{"META_EXEMPT", "1"}, {"META_RESOURCES", "/dev/null"}});
  EndSurvivors(all);
  EXPECT_THAT(all.output, HasSubstr("exemption not needed: "));
  EXPECT_THAT(all.output, HasSubstr("once needed"));
  EXPECT_THAT(all.output, Not(HasSubstr("exemption not needed: AddLeakExemption: command=*meta_leaks_*")));
}

TEST(ExemptionsTest, AFileHoldsForTheProgram) {
  const auto file = testing::TempDir() + "curfew-" + std::to_string(getpid()) + ".supp";
  std::ofstream(file) << "# kept by hand\ncommand:*meta_leaks_*  # of the file\n";
  const Outcome outcome = RunProgram("leaks", {"--gtest_filter=ExemptTest.*"}, {{"CURFEW_SUPPRESSIONS", file}});
  EndSurvivors(outcome);  // what is exempted is left alone
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("exempted    of the file"), HasSubstr("2 leaks, 2 of them exempted")));
  std::ofstream(file) << "command:x\n";
  const Outcome bad = RunProgram("leaks", {"--gtest_filter=LeakTest.CleanBefore"}, {{"CURFEW_SUPPRESSIONS", file}});
  std::filesystem::remove(file);
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.output, HasSubstr(":1: no reason"));
}

class ResourcesTest : public testing::Test {
 protected:
  ~ResourcesTest() override {
    for (const char* name : {".suite", ".test", ".other", ".short"}) std::filesystem::remove(path_ + name);
  }
  [[nodiscard]] Outcome Run(const std::string& policy) const {
    return RunProgram("leaks", {"--gtest_filter=ResourceTest.*"},
                      {{"CURFEW_RESOURCES", policy}, {"META_RESOURCES", path_}});
  }
  const std::string path_ = "/dev/shm/curfew-meta-" + std::to_string(getpid()) + "-" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ResourcesTest, WhatATestLeavesFailsItWhereThatIsAsked) {
  const Outcome outcome = Run("fail");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("ResourceTest.LeavesSharedMemory"));
  EXPECT_THAT(outcome, Failed("ResourceTest.LeavesItAnew"));
  const auto told = "POSIX shared memory " + path_ + ".test; remove it by: rm '" + path_ + ".test'";
  EXPECT_THAT(outcome.OutputOf("ResourceTest.LeavesSharedMemory"), HasSubstr(told));
  EXPECT_THAT(outcome.OutputOf("ResourceTest.LeavesItAnew"), HasSubstr(told));
  EXPECT_THAT(outcome.OutputOf("ResourceTest.LeavesNothing"), Not(HasSubstr(path_)));
  // The suite's own when the suite is through, and once more for the report file (Listener::OnTestSuiteEnd); and what
  // its tests were told of not again.
  EXPECT_EQ(outcome.Count(path_ + ".suite;"), 2U) << outcome.output;
  EXPECT_EQ(outcome.Count(path_ + ".test;"), 2U) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("still there when ResourceTest had ended"));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".test")) << "it was to be left in place";
}

TEST_F(ResourcesTest, WarnTellsAndPasses) {
  const Outcome outcome = Run("warn");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output,
              HasSubstr("curfew: warning: appeared meanwhile, and still there when ResourceTest.LeavesSharedMemory"));
}

TEST_F(ResourcesTest, OffIsTheDefaultAndQuiet) {
  const Outcome outcome = Run("");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, Not(HasSubstr(path_)));
}

TEST(LeaksTest, ColourFollowsGoogleTestsFlag) {
  EXPECT_THAT(RunProgram("leaks", {"--gtest_filter=LeakTest.LeavesAChild", "--gtest_color=yes"}).output,
              HasSubstr("\033[0;31m[ CURFEW   ]\033[m"));
}

}  // namespace
}  // namespace curfew::meta
