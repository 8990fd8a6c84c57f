// SPDX-License-Identifier: Apache-2.0
// Servers that end in mid-test, and what the matchers say about servers.
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DeathsTest, UnannouncedFailsTheTestWithStatusAndLog) {
  const Outcome outcome = RunProgram("deaths", {"--gtest_filter=CrashTest.Unannounced"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("CrashTest.Unannounced"));
  EXPECT_THAT(outcome.output, HasSubstr("the body went on"));
  const auto report = AllOf(HasSubstr("crashes_later"), HasSubstr("exited with status 3"),
                            HasSubstr("assertion failed: order != nullptr"));
  EXPECT_THAT(outcome.OutputOf("CrashTest.Unannounced"), report);
  EXPECT_THAT(outcome.OutputOf("CrashTest.Unannounced"), HasSubstr("deaths_.cc:"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(DeathsTest, UnannouncedFailsTheTestHoweverSoonItEnds) {
  const Outcome outcome =
      RunProgram("deaths", {"--gtest_filter=CrashTest.UnannouncedAndTheTestEndsBeforeTheNewsIsHere"});
  EXPECT_THAT(outcome, Failed("CrashTest.UnannouncedAndTheTestEndsBeforeTheNewsIsHere"));
  EXPECT_THAT(outcome.output, HasSubstr("exited with status 3"));
}

TEST(DeathsTest, AnnouncedPasses) {
  const Outcome outcome = RunProgram(
      "deaths",
      {"--gtest_filter=CrashTest.Announced:CrashTest.BySignalOfTheTest:CrashTest.RestartsOnTheSamePort"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(DeathsTest, SharedServerIsReplacedForTheNextTest) {
  const Outcome outcome = RunProgram("deaths", {"--gtest_filter=SharedCrashTest.*"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("SharedCrashTest.FirstIsBlamed"));
  EXPECT_THAT(outcome.OutputOf("SharedCrashTest.FirstIsBlamed"), HasSubstr("SIGSEGV"));
  EXPECT_THAT(outcome, Passed("SharedCrashTest.SecondGetsAFreshServer"));
  EXPECT_THAT(outcome.output, HasSubstr("2 servers, 0 leaks"));
  EXPECT_THAT(outcome.survivors, IsEmpty());
}

TEST(MatchersOnServersTest, Hold) {
  const Outcome outcome = RunProgram("deaths", {"--gtest_filter=MatcherTest.Hold"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

TEST(MatchersOnServersTest, ExplainWhatIsThereInstead) {
  const std::string output =
      RunProgram("deaths", {"--gtest_filter=MatcherTest.Explain"}).OutputOf("MatcherTest.Explain");
  EXPECT_THAT(output, HasSubstr("Actual: server \"forks_workers\" (pid "));
  EXPECT_THAT(output, AllOf(HasSubstr("Expected: is not ready"), HasSubstr("Expected: listens on port 1"),
                            HasSubstr("which listens on port "), HasSubstr("nobody listens on port 1")));
  EXPECT_THAT(output, AllOf(HasSubstr("Expected: has no descendants"), HasSubstr("which has 2:"),
                            HasSubstr("which has not ended"), HasSubstr("which has none; its log ends with"),
                            HasSubstr("listening on 127.0.0.1:")));
}

TEST(MatchersOnServersTest, ExplainHowADeadServerEnded) {
  const std::string output = RunProgram("deaths", {"--gtest_filter=MatcherTest.ExplainTheDead"})
                                 .OutputOf("MatcherTest.ExplainTheDead");
  EXPECT_THAT(output,
              AllOf(HasSubstr("Expected: is ready"), HasSubstr("which was killed by SIGKILL; its log ends")));
}

TEST(MatchersOnServersTest, ExplainAStopThatHadToKill) {
  const std::string output =
      RunProgram("deaths", {"--gtest_filter=StubbornTest.*"}).OutputOf("StubbornTest.IsKilled");
  EXPECT_THAT(output, HasSubstr("where 2 of 2 processes had to be killed"));
}

}  // namespace
}  // namespace curfew::meta
