// SPDX-License-Identifier: Apache-2.0
// The fixtures as users use them: once, repeated, shuffled, in parts.
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

void ExpectAllWell(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.end << outcome.output;
  EXPECT_THAT(outcome.output, Not(HasSubstr("[  FAILED  ]")));
  EXPECT_THAT(outcome.output, HasSubstr(" 0 leaks\n"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(FixturesTest, EveryTestPasses) {
  const Outcome outcome = RunProgram("fixtures");
  ExpectAllWell(outcome);
  EXPECT_EQ(outcome.Count("] containment: "), 1U);
  EXPECT_EQ(outcome.Count("START SharedTest"), 1U) << "one server for the suite";
  EXPECT_EQ(outcome.Count("START HidingTest"), 1U) << "one server for the suite, hidden hooks or not";
  EXPECT_EQ(outcome.Count("START RefreshTest"), 2U) << "a stopped one is replaced";
  EXPECT_EQ(outcome.Count("START DyingDeathTest"), 4U) << "none in any child";
}

TEST(FixturesTest, RepeatedAndShuffled) {
  const Outcome outcome = RunProgram("fixtures", {"--gtest_repeat=3", "--gtest_shuffle"});
  ExpectAllWell(outcome);
  EXPECT_EQ(outcome.Count("START SharedTest"), 3U);
}

TEST(FixturesTest, RepeatedWithEnvironmentsKept) {
  ExpectAllWell(RunProgram("fixtures", {"--gtest_filter=SharedTest.*:HidingTest.*", "--gtest_repeat=3",
                                        "--gtest_recreate_environments_when_repeating=0"}));
}

TEST(FixturesTest, BriefRunIsQuiet) {
  const Outcome outcome = RunProgram("fixtures", {"--gtest_filter=OwnServerTest.*", "--gtest_brief=1"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.Count("CURFEW"), 0U) << outcome.output;
}

TEST(FixturesTest, FilterThatMatchesNothingIsNoTrouble) {
  const Outcome outcome = RunProgram("fixtures", {"--gtest_filter=NoSuchTest.*"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.Count("CURFEW"), 0U);
}

TEST(FixturesTest, ListingStartsNothing) {
  const Outcome outcome = RunProgram("fixtures", {"--gtest_list_tests"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.Count("START"), 0U);
}

TEST(FixturesTest, HelpAndBadFlags) {
  const Outcome help = RunProgram("fixtures", {"--curfew_help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("--curfew_leaks="), HasSubstr("--curfew_test_timeout=")));
  const Outcome bad = RunProgram("fixtures", {"--curfew_test_timeout=soon"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.output, AllOf(HasSubstr("--curfew_test_timeout=soon"), Not(HasSubstr("[ RUN"))));
}

}  // namespace
}  // namespace curfew::meta
