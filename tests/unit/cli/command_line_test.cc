// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

RunOptions AskToRun(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    ADD_FAILURE() << answer->text;
    return {};
  }
  return std::get<RunOptions>(parsed);
}

Answer Refused(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  if (const auto* answer = std::get_if<Answer>(&parsed)) return *answer;
  ADD_FAILURE() << "taken";
  return {};
}

TEST(CommandLineTest, EverythingBehindTheDashesIsTheCommands) {
  EXPECT_THAT(AskToRun({"run", "--", "ctest", "--leaks=off", "--", "-j8"}).command,
              ElementsAre("ctest", "--leaks=off", "--", "-j8"));
  EXPECT_THAT(AskToRun({"run", "--", "--odd name\n"}).command, ElementsAre("--odd name\n"));
}

TEST(CommandLineTest, TheDashesMayBeLeftOutWhereTheCommandIsPlain) {
  EXPECT_THAT(AskToRun({"run", "--keep", "make", "-j2", "all"}).command, ElementsAre("make", "-j2", "all"));
  EXPECT_THAT(AskToRun({"run", "make", "--", "all"}).command, ElementsAre("make", "--", "all"));
}

TEST(CommandLineTest, FlagsOfRun) {
  const auto run = AskToRun({"run", "--leaks=warn", "--timeout", "1.5m", "--grace=200ms", "--keep", "--", "x"});
  EXPECT_EQ(run.leaks, Policy::kWarn);
  EXPECT_EQ(run.timeout, Duration(90s));
  EXPECT_EQ(run.grace, 200ms);
  EXPECT_TRUE(run.keep);
}

TEST(CommandLineTest, Defaults) {
  const auto run = AskToRun({"run", "--", "x"});
  EXPECT_EQ(run.leaks, Policy::kFail);
  EXPECT_EQ(run.timeout, std::nullopt);
  EXPECT_EQ(run.grace, 5s);
  EXPECT_FALSE(run.keep);
  EXPECT_EQ(AskToRun({"run", "--timeout=off", "--", "x"}).timeout, std::nullopt);
}

TEST(CommandLineTest, FilesAndFormatsOfReport) {
  const auto parsed = ParseCommandLine({"report", "a.jsonl", "--json", "r.json", "b.json", "--html=-", "--github"});
  ASSERT_TRUE(std::holds_alternative<ReportOptions>(parsed)) << std::get<Answer>(parsed).text;
  const auto& report = std::get<ReportOptions>(parsed);
  EXPECT_THAT(report.files, ElementsAre("a.jsonl", "b.json"));
  EXPECT_EQ(report.outputs.json, "r.json");
  EXPECT_EQ(report.outputs.html, "-");
  EXPECT_EQ(report.outputs.junit, "");
  EXPECT_TRUE(report.outputs.github);
  EXPECT_EQ(Refused({"report"}).exit_code, kExitUsage);
  EXPECT_EQ(Refused({"report", "--yaml", "x"}).exit_code, kExitUsage);
}

TEST(CommandLineTest, WrongUsageIsTwoAndSaysWhat) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "subcommand"},
      {{"frobnicate"}, "subcommand"},
      {{"run"}, "no command"},
      {{"run", "--"}, "no command"},
      {{"run", "--", ""}, "no command"},
      {{"run", "--bogus", "--", "x"}, "--bogus"},
      {{"run", "--leaks=perhaps", "--", "x"}, "perhaps"},
      {{"run", "--timeout=-1s", "--", "x"}, "-1s"},
      {{"run", "--timeout=5", "--", "x"}, "duration"},
      {{"run", "--timeout"}, "--timeout"},
      {{"leaks", "--bogus"}, "--bogus"},
      {{"ps", "x"}, "x"},
  };
  for (const auto& [arguments, text] : cases) {
    const auto answer = Refused(arguments);
    EXPECT_EQ(answer.exit_code, kExitUsage) << text;
    EXPECT_THAT(answer.text, HasSubstr(text));
    EXPECT_THAT(answer.text, HasSubstr("--help"));
  }
}

TEST(CommandLineTest, APolicyIsAWordAndNoNumber) {
  for (const char* flag : {"--leaks=2", "--leaks=0", "--resources=1", "--leaks=", "--leaks=FAIL"}) {
    EXPECT_EQ(Refused({"run", flag, "--", "x"}).exit_code, kExitUsage) << flag;
  }
}

TEST(CommandLineTest, ATimeOutThatIsTooShortToCountIsNotNone) {
  EXPECT_EQ(AskToRun({"run", "--timeout=0.0000000001s", "--", "x"}).timeout, Duration(1));
  EXPECT_EQ(AskToRun({"run", "--timeout=0.0s", "--", "x"}).timeout, std::nullopt);
}

TEST(CommandLineTest, WhatStandsBehindTheDashesIsNeverDropped) {
  const auto parsed = ParseCommandLine({"report", "--json=r.json", "--", "-odd.jsonl", "b.jsonl"});
  ASSERT_TRUE(std::holds_alternative<ReportOptions>(parsed)) << std::get<Answer>(parsed).text;
  EXPECT_THAT(std::get<ReportOptions>(parsed).files, ElementsAre("-odd.jsonl", "b.jsonl"));
  EXPECT_EQ(Refused({"leaks", "--", "--kill"}).exit_code, kExitUsage);
  EXPECT_EQ(Refused({"ps", "--", "x"}).exit_code, kExitUsage);
}

TEST(CommandLineTest, WildArgumentsAreEscapedInWhatIsSaidOfThem) {
  for (const auto& arguments :
       {std::vector<std::string>{"run", "--\x1b[31mbogus", "--", "x"}, {"\x1b]0;title\x07"}, {"report"}}) {
    EXPECT_EQ(Refused(arguments).text.find('\x1b'), std::string::npos);
  }
}

TEST(CommandLineTest, WhatMayStayIsForLeaksToo) {
  const auto parsed = ParseCommandLine({"leaks", "--kill", "--suppressions=s", "--exempt=epmd,ccache"});
  ASSERT_TRUE(std::holds_alternative<LeaksOptions>(parsed)) << std::get<Answer>(parsed).text;
  EXPECT_EQ(std::get<LeaksOptions>(parsed).may_stay.suppressions, "s");
  EXPECT_THAT(std::get<LeaksOptions>(parsed).may_stay.exempt, ElementsAre("epmd", "ccache"));
}

TEST(CommandLineTest, HelpIsNoError) {
  EXPECT_EQ(Refused({"--help"}).exit_code, 0);
  const auto help = Refused({"run", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("--grace"));
}

TEST(CommandLineTest, LeaksAndPs) {
  EXPECT_TRUE(std::get<LeaksOptions>(ParseCommandLine({"leaks", "--kill", "--json"})).kill);
  EXPECT_FALSE(std::get<LeaksOptions>(ParseCommandLine({"leaks"})).kill);
  EXPECT_TRUE(std::holds_alternative<PsOptions>(ParseCommandLine({"ps"})));
}

}  // namespace
}  // namespace curfew::cli
