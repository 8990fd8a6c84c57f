// SPDX-License-Identifier: Apache-2.0
// GoogleTest's own main() and one fixture: that alone brings the listener in.
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(NoInitTest, ChecksEveryTest) {
  const Outcome outcome = RunProgram("no_init");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Passed("NoInitTest.HasAServer"));
  EXPECT_THAT(outcome, Failed("PlainTest.LeavesAChild"));
  EXPECT_EQ(outcome.Count("[ CURFEW   ] 1 server, 1 leak\n"), 1U) << outcome.output;
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(NoInitTest, ObeysTheEnvironment) {
  EXPECT_EQ(RunProgram("no_init", {}, {{"CURFEW_LEAKS", "warn"}}).exit_code, 0);
}

TEST(NoInitTest, BadVariableEndsTheProgramBeforeAnyTest) {
  const Outcome outcome = RunProgram("no_init", {}, {{"CURFEW_LEAKS", "perhaps"}});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("CURFEW_LEAKS=perhaps"));
  EXPECT_EQ(outcome.Count("[ RUN"), 0U);
}

}  // namespace
}  // namespace curfew::meta
