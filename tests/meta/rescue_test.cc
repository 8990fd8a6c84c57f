// SPDX-License-Identifier: Apache-2.0
// The XML of a test program that ended before GoogleTest could write it: who ran, who is to blame, who did not run.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

namespace fs = std::filesystem;

class RescueTest : public testing::Test {
 protected:
  ~RescueTest() override {
    std::error_code ignored;
    fs::remove_all(artifacts_, ignored);
  }
  [[nodiscard]] std::vector<std::string> Kept() const {
    std::vector<std::string> kept;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(artifacts_, error)) {
      if (entry.is_regular_file()) kept.push_back(entry.path().lexically_relative(artifacts_).string());
    }
    return kept;
  }
  const fs::path artifacts_ =
      fs::path(testing::TempDir()) / ("curfew-rescue-" + std::to_string(getpid()) + "-" +
                                      testing::UnitTest::GetInstance()->current_test_info()->name());
};

void ExpectRescued(const Outcome& outcome, const std::string& how) {
  EXPECT_THAT(outcome.XmlOf("RescueTest.PassesBeforeThereIsAServer"), AllOf(Not(IsEmpty()), Not(HasSubstr("<failure"))))
      << outcome.xml;
  EXPECT_THAT(outcome.XmlOf("RescueTest.FailsBeforeThereIsAServer"),
              HasSubstr("one &quot;is&quot; not &lt;two&gt; ]]&gt; \\x1B[31m"));
  EXPECT_THAT(outcome.XmlOf("RescueTest.IsSkipped"), HasSubstr("<skipped message=\"the reason"));
  EXPECT_THAT(outcome.XmlOf("ServedRescueTest.PassesWithAServer"), AllOf(Not(IsEmpty()), Not(HasSubstr("<failure"))));
  EXPECT_THAT(outcome.XmlOf("ServedRescueTest.FailsWithAServer"), HasSubstr("<failure"));
  EXPECT_THAT(outcome.XmlOf("ServedRescueTest.Ends"), AllOf(HasSubstr("<error type=\"crashed\""), HasSubstr(how)))
      << outcome.xml;
  EXPECT_THAT(outcome.XmlOf("ServedRescueTest.IsNotReached"), HasSubstr("<skipped message=\"not run"));
  EXPECT_THAT(outcome.XmlOf("RescueTest.DISABLED_IsDisabled"), HasSubstr("<skipped message=\"disabled"));
}

TEST_F(RescueTest, AbortKillAndExitLoseNoResult) {
  ExpectRescued(RunProgram("rescue", {}, {{"META_END", "abort"}}), "while it ran");
  ExpectRescued(RunProgram("rescue", {}, {{"META_END", "kill"}}), "while it ran");
  ExpectRescued(RunProgram("rescue", {}, {{"META_END", "exit"}}), "while it ran");
}

TEST_F(RescueTest, JsonIsWrittenAsXmlIs) {
  const auto file = artifacts_ / "results.json";
  (void)RunProgram("rescue", {"--gtest_output=json:" + file.string()}, {{"META_END", "kill"}});
  std::ifstream in(file);
  const auto text = std::string(std::istreambuf_iterator<char>(in), {});
  // The members that GoogleTest's own has, and the words of the crash.
  EXPECT_THAT(text,
              AllOf(HasSubstr("\"name\": \"AllTests\""), HasSubstr("\"type\": \"crashed\""), HasSubstr("while it ran"),
                    HasSubstr("\"name\": \"IsNotReached\""), HasSubstr("\"result\": \"SUPPRESSED\""),
                    HasSubstr("\"result\": \"SKIPPED\""), HasSubstr("one \\\"is\\\" not <two> ]]>")));
  (void)RunProgram("rescue", {"--gtest_output=json:" + file.string(), "--gtest_filter=*Passes*"});
  std::ifstream again(file);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(again), {}), Not(HasSubstr("crashed"))) << "GoogleTest's own";
}

TEST_F(RescueTest, AProgramThatEndsByItselfWritesItsOwn) {
  const Outcome outcome = RunProgram("rescue");
  EXPECT_EQ(outcome.exit_code, 1);
  // An attribute that GoogleTest writes and we do not.
  EXPECT_THAT(outcome.xml, HasSubstr("result=\"completed\""));
}

TEST_F(RescueTest, WhatGoogleTestHasWrittenIsNotReplaced) {
  const Outcome outcome = RunProgram("rescue", {}, {{"META_END", "after"}});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.end;
  EXPECT_THAT(outcome.xml, HasSubstr("result=\"completed\""));
}

TEST_F(RescueTest, ATimedOutTestIsNamedWithItsEvidence) {
  const Outcome outcome = RunProgram(
      "timeouts", {"--gtest_filter=*OnItself:*NextTestIsServed", "--curfew_test_timeout=3s"}, {{"CURFEW_GDB", "off"}});
  EXPECT_EQ(outcome.end, "killed by signal 6");
  EXPECT_THAT(
      outcome.XmlOf("HangTest.OnItself"),
      AllOf(HasSubstr(
                "<failure type=\"timed_out\" message=\"HangTest.OnItself was still running after its timeout of 3 s"),
            HasSubstr("thread ")))
      << outcome.xml;
}

TEST_F(RescueTest, LogsOfFailedTestsAreKept) {
  const Outcome outcome = RunProgram("rescue", {"--gtest_filter=-*Ends"}, {{"CURFEW_ARTIFACTS", artifacts_.string()}});
  EXPECT_THAT(Kept(),
              Contains(testing::MatchesRegex("curfew-[^/]+/ServedRescueTest.FailsWithAServer/tcp_echo-[0-9]+.log")));
  EXPECT_THAT(Kept(), Contains(testing::MatchesRegex("curfew-[^/]+.jsonl")));
  EXPECT_THAT(Kept(), SizeIs(2));
  EXPECT_EQ(outcome.Count("CTestMeasurement"), 0U) << "only ctest wants its tags";
}

TEST_F(RescueTest, LogsOfACrashAreKept) {
  (void)RunProgram("rescue", {"--gtest_filter=*Passes*:*Ends"},
                   {{"META_END", "kill"}, {"CURFEW_ARTIFACTS", artifacts_.string()}});
  EXPECT_THAT(Kept(), Contains(testing::MatchesRegex("curfew-[^/]+/ServedRescueTest.Ends/tcp_echo-[0-9]+.log")));
  EXPECT_THAT(Kept(), SizeIs(2));
}

TEST_F(RescueTest, AlwaysKeepsAllAndNeverNone) {
  (void)RunProgram("rescue", {"--gtest_filter=*WithAServer", "--curfew_keep=always"},
                   {{"TEST_UNDECLARED_OUTPUTS_DIR", artifacts_.string()}});
  EXPECT_THAT(Kept(), SizeIs(3));
  fs::remove_all(artifacts_);
  (void)RunProgram("rescue", {"--gtest_filter=*WithAServer"},
                   {{"CURFEW_KEEP", "never"}, {"CURFEW_ARTIFACTS", artifacts_.string()}});
  EXPECT_THAT(Kept(), SizeIs(1));
}

TEST_F(RescueTest, UnderCTestLogsAreAttachedToTheirTest) {
  const Outcome outcome =
      RunProgram("rescue", {"--gtest_filter=*WithAServer", "--curfew_artifacts=" + artifacts_.string()},
                 {{"DASHBOARD_TEST_FROM_CTEST", "1"}});
  EXPECT_THAT(outcome.output,
              HasSubstr("<CTestMeasurementFile type=\"file\" name=\"tcp_echo-2.log\">" + artifacts_.string()));
  EXPECT_THAT(outcome.output,
              HasSubstr("<CTestMeasurement type=\"numeric/integer\" name=\"leaked processes\">0</CTestMeasurement>\n"));
}

}  // namespace
}  // namespace curfew::meta
