// SPDX-License-Identifier: Apache-2.0
// Servers that do not come up: one failure with the whole story, no body run, nobody waits twice.
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::size_t FailuresIn(const std::string& xml) {
  std::size_t count = 0;
  for (auto at = xml.find("<failure"); at != std::string::npos; at = xml.find("<failure", at + 1)) ++count;
  return count;
}

// All of them in one run, since each look at it is another test.
const Outcome& TheRun() {
  static const Outcome outcome = RunProgram("start_failures");
  return outcome;
}

TEST(StartFailuresTest, NothingBeyondTheFailureIsRun) {
  EXPECT_EQ(TheRun().exit_code, 1);
  EXPECT_EQ(TheRun().Count("REACHED"), 0U) << TheRun().output;
  EXPECT_THAT(TheRun().survivors, IsEmpty());
  EXPECT_THAT(TheRun().output, HasSubstr(" 0 leaks"));
}

class OneFailureTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(OneFailureTest, HasTheText) {
  const auto& [test, text] = GetParam();
  EXPECT_THAT(TheRun(), Failed(test));
  EXPECT_EQ(FailuresIn(TheRun().XmlOf(test)), 1U) << TheRun().XmlOf(test);
  EXPECT_THAT(TheRun().XmlOf(test), HasSubstr(text));
}

INSTANTIATE_TEST_SUITE_P(Every, OneFailureTest,
                         testing::Values(std::pair("DiesEarlyTest.Body", "exited with status 7"),
                                         std::pair("DerivedSetUpTest.Body", "exited with status 7"),
                                         std::pair("ForgottenSetUpTest.Body", "exited with status 7"),
                                         std::pair("MissingTest.Body", "no-such-server-anywhere"),
                                         std::pair("NeverReadyTest.Body", "waiting for a lock"),
                                         std::pair("SharedTest.First", "exited with status 8"),
                                         std::pair("SharedTest.Second", "exited with status 8"),
                                         std::pair("SharedTest.Third", "exited with status 8"),
                                         std::pair("SharedDerivedTest.First", "exited with status 9"),
                                         std::pair("SharedDerivedTest.Second", "exited with status 9"),
                                         std::pair("SharedForgottenTest.Body", "exited with status 11"),
                                         std::pair("NoConnectionTest.Body", "ECONNREFUSED")),
                         [](const auto& test) {
                           std::string name = test.param.first;
                           name.erase(name.find('.'), 1);
                           return name;
                         });

TEST(StartFailuresTest, TextIsTheWholeStory) {
  EXPECT_THAT(TheRun().XmlOf("DiesEarlyTest.Body"),
              AllOf(HasSubstr("dies_early"), HasSubstr("no such database: orders"),
                    HasSubstr("exited with status 7")));
  EXPECT_THAT(TheRun().OutputOf("DiesEarlyTest.Body"), HasSubstr("start_failures_.cc:"));
}

TEST(StartFailuresTest, ExpectedStartErrorIsNoFailure) {
  EXPECT_THAT(TheRun(), Passed("ForgottenSetUpTest.SecondCallThrowsAgain"));
}

TEST(StartFailuresTest, OnlyTheFirstTestOfASuiteWaits) {
  EXPECT_EQ(TheRun().Count("START\n"), 1U);
}

TEST(StartFailuresTest, FailureThatNoTestShowsFailsTheSuite) {
  EXPECT_THAT(TheRun(), Passed("SharedUnnoticedTest.NeedsNoServer"));
}

TEST(StartFailuresTest, UnnoticedFailureIsShownAtTheEndOfTheSuite) {
  const Outcome outcome = RunProgram("start_failures", {"--gtest_filter=SharedUnnoticedTest.*"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("exited with status 10"));
  EXPECT_THAT(outcome.xml, HasSubstr("exited with status 10"));
}

TEST(StartFailuresTest, WithoutCatchingExceptionsItIsAnOrdinaryFatalFailure) {
  const Outcome outcome = RunProgram(
      "start_failures", {"--gtest_filter=DiesEarlyTest.*:SharedTest.*", "--gtest_catch_exceptions=0"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_EQ(outcome.Count("REACHED"), 0U);
}

TEST(StartFailuresTest, RepetitionTriesAgain) {
  const Outcome outcome = RunProgram("start_failures", {"--gtest_filter=SharedTest.*", "--gtest_repeat=2"});
  EXPECT_EQ(outcome.Count("START\n"), 2U);
}

}  // namespace
}  // namespace curfew::meta
