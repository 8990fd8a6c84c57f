// SPDX-License-Identifier: Apache-2.0
// A test that hangs on its server is ended by its deadline, with the reason. Without the deadline the program
// would hang for ten minutes, so the time it took needs no upper bound here.
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
  ExpectTimedOut(RunProgram("timeouts", {"--gtest_filter=-*OnItself", "--curfew_test_timeout=3s"}));
}

TEST(TimeoutsTest, VariableEndsTheTest) {
  ExpectTimedOut(RunProgram("timeouts", {"--gtest_filter=-*OnItself"}, {{"CURFEW_TEST_TIMEOUT", "3000ms"}}));
}

TEST(TimeoutsTest, TestThatHangsOnItselfIsAbortedWithTheReason) {
  const Outcome outcome = RunProgram("timeouts", {"--gtest_filter=*OnItself", "--curfew_test_timeout=500ms"});
  EXPECT_EQ(outcome.end, "killed by signal 6");
  EXPECT_THAT(outcome.output, HasSubstr("HangTest.OnItself was still running after its timeout of 500 ms"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(TimeoutsTest, OffLetsAFastTestPass) {
  EXPECT_EQ(RunProgram("timeouts", {"--gtest_filter=*Next*", "--curfew_test_timeout=off"}).exit_code, 0);
}

}  // namespace
}  // namespace curfew::meta
