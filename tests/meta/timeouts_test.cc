// SPDX-License-Identifier: Apache-2.0
// A test that hangs on its server is ended by its deadline, with the reason. Without the deadline the program
// would hang for ten minutes, so the time it took needs no upper bound here.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

void ExpectTimedOut(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 1) << outcome.end << outcome.output;
  EXPECT_THAT(outcome, Failed("HangTest.OnAServer"));
  EXPECT_THAT(outcome.XmlOf("HangTest.OnAServer"), HasSubstr("after its timeout of 3 s"));
  EXPECT_THAT(outcome, Passed("HangTest.NextTestIsServed"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(TimeoutsTest, FlagEndsTheTest) {
  ExpectTimedOut(RunProgram("timeouts", {"--gtest_filter=*OnAServer:*NextTestIsServed", "--curfew_test_timeout=3s"}));
}

TEST(TimeoutsTest, VariableEndsTheTest) {
  ExpectTimedOut(
      RunProgram("timeouts", {"--gtest_filter=*OnAServer:*NextTestIsServed"}, {{"CURFEW_TEST_TIMEOUT", "3000ms"}}));
}

TEST(TimeoutsTest, TestThatHangsOnItselfIsAbortedWithTheReason) {
  const Outcome outcome =
      RunProgram("timeouts", {"--gtest_filter=*OnItself", "--curfew_test_timeout=500ms"}, {{"CURFEW_GDB", "off"}});
  EXPECT_EQ(outcome.end, "killed by signal 6");
  EXPECT_THAT(outcome.output, HasSubstr("HangTest.OnItself was still running after its timeout of 500 ms"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(TimeoutsTest, TestMayHaveAShorterTimeoutOfItsOwn) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*HasItsOwnTimeout"}, {{"CURFEW_GDB", "off"}});
  EXPECT_THAT(outcome, Failed("HangTest.HasItsOwnTimeout"));
  EXPECT_THAT(outcome.XmlOf("HangTest.HasItsOwnTimeout"), HasSubstr("after its timeout of 500 ms"));
}

TEST(TimeoutsTest, TestMayHaveALongerTimeoutOfItsOwn) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*NeedsLonger*", "--curfew_test_timeout=2s"});
  EXPECT_THAT(outcome, Passed("HeldTest.NeedsLongerThanOthers"));
}

TEST(TimeoutsTest, StoppedProgramsTimeDoesNotRun) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*IsStopped"});
  EXPECT_THAT(outcome, Passed("HeldTest.IsStopped"));
}

TEST(TimeoutsTest, DebuggerOnAServerStopsTheClock) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*DebuggerIsOnItsServer"});
  if (outcome.Count("could not attach") != 0) GTEST_SKIP() << "ptrace(2) is not allowed here";
  EXPECT_THAT(outcome, Passed("HangTest.DebuggerIsOnItsServer"));
}

TEST(TimeoutsTest, EvidenceHasTheStacksWhereThereIsGdb) {
  if (std::system("gdb --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gdb here";
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*WithoutAServer", "--curfew_test_timeout=500ms"});
  EXPECT_EQ(outcome.end, "killed by signal 6");
  EXPECT_THAT(outcome.output, HasSubstr("stacks of the test program"));
  if (outcome.Count("no stacks: ") + outcome.Count("gdb had not finished") == 0) {
    EXPECT_THAT(outcome.output, testing::ContainsRegex("TestBody.*timeouts_.cc"));
  }
}

TEST(TimeoutsTest, WithoutGdbTheEvidenceIsThatOfProc) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*WithoutAServer", "--curfew_test_timeout=500ms"},
                                     {{"CURFEW_GDB", "off"}});
  EXPECT_THAT(outcome.output, testing::ContainsRegex("thread [0-9]+ .meta_timeouts_. state S"));
  EXPECT_EQ(outcome.Count("stacks of the test program"), 0U);
}

// A debugger can hang as well as anything. It is given up, and the test is ended all the same.
TEST(TimeoutsTest, DebuggerThatHangsIsGivenUp) {
  const std::string script = testing::TempDir() + "hanging_gdb_" + std::to_string(::getpid());
  std::ofstream(script) << "#!/bin/sh\nexec sleep 1000\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*WithoutAServer", "--curfew_test_timeout=2s"},
                                     {{"CURFEW_GDB", script}, {"CURFEW_TIMEOUT_SCALE", "0.2"}});
  std::filesystem::remove(script);
  EXPECT_EQ(outcome.end, "killed by signal 6");
  EXPECT_THAT(outcome.output, HasSubstr("gdb had not finished"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(TimeoutsTest, OffLetsAFastTestPass) {
  EXPECT_EQ(RunProgram("timeouts", {"--gtest_filter=*Next*", "--curfew_test_timeout=off"}).exit_code, 0);
}

}  // namespace
}  // namespace curfew::meta
