// SPDX-License-Identifier: Apache-2.0
// A test that hangs on its server is ended by its deadline, with the reason. Without the deadline the program
// would hang for ten minutes, so the time it took needs no upper bound here.
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

void ExpectTimedOut(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 1) << outcome.end << outcome.output;
  EXPECT_THAT(outcome, Failed("HangTest.OnAServer"));
  EXPECT_THAT(outcome.XmlOf("HangTest.OnAServer"), HasSubstr("1.5 s"));
  EXPECT_THAT(outcome, Passed("HangTest.NextTestIsServed"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(TimeoutsTest, FlagEndsTheTest) {
  ExpectTimedOut(RunProgram("timeouts", {"--curfew_test_timeout=1.5s"}));
}

TEST(TimeoutsTest, VariableEndsTheTest) {
  ExpectTimedOut(RunProgram("timeouts", {}, {{"CURFEW_TEST_TIMEOUT", "1500ms"}}));
}

TEST(TimeoutsTest, OffLetsAFastTestPass) {
  EXPECT_EQ(RunProgram("timeouts", {"--gtest_filter=*Next*", "--curfew_test_timeout=off"}).exit_code, 0);
}

}  // namespace
}  // namespace curfew::meta
