// SPDX-License-Identifier: Apache-2.0
// What each format tells, and that no byte of a name or a message can break it. Schemas are checked in tests/formats.
#include "report/render.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command_journal.h"
#include "report/model_json.h"
#include "wild_report.h"

namespace curfew::report {
namespace {

using curfew::testing::Ended;
using curfew::testing::SampleJournal;
using curfew::testing::WildReport;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

RunReport Sample() {
  RunReport report;
  ReadJournal(SampleJournal(), "sample", report);
  return report;
}

RunReport Clean() {
  RunReport report;
  Run run;
  run.id = "clean";
  run.command = {"/bin/kv_test"};
  run.complete = run.finished = true;
  run.tests.push_back({.name = "Kv.Pings",
                       .file = {},
                       .result = TestResult::kPassed,
                       .begin = Time(Span(1)),
                       .duration = Span(2),
                       .failures = {},
                       .evidence = {},
                       .files = {}});
  report.runs.push_back(run);
  return report;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// No control byte but newline and tab, and valid UTF-8 throughout.
void ExpectHarmless(const std::string& text) {
  const auto control =
      std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  EXPECT_EQ(control, text.end()) << "control byte at " << control - text.begin();
  EXPECT_NO_THROW(static_cast<void>(json(text).dump())) << "not UTF-8";
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << "turns the writing direction";
}

TEST(RenderTextTest, TellsWhatIsBadWhatIsLeakedAndWhatDidNotRun) {
  EXPECT_THAT(
      RenderText(Sample(), false),
      AllOf(HasSubstr("kv_test  run abc123 on builder"),
            HasSubstr("2 passed, 2 failed, 1 timed out, 1 skipped, 1 not run"),
            HasSubstr("  TIMED OUT  Kv.Hangs\n      Kv.Hangs was still running after its timeout of 3 s\n"),
            HasSubstr("the test program was killed by SIGABRT (core dumped)"),
            HasSubstr("  FAILED  Kv.EarlyFails\n      kv_test.cc:12"), HasSubstr("  not run  Kv.Never\n"),
            HasSubstr("  LEAKED  by Kv.Pings\n      leaked process 4711"),
            HasSubstr("STILL ALIVE: 4004 nginx (EPERM: runs as uid 33)"), HasSubstr("  note  something worth saying")));
}

TEST(RenderTextTest, ACleanRunIsThreeLines) {
  EXPECT_EQ(RenderText(Clean(), false), "kv_test  run clean\n  tests    1 passed\n  clean  nothing is left\n");
}

TEST(RenderTextTest, ColourIsOnlyOurOwn) {
  EXPECT_THAT(RenderText(Clean(), true), HasSubstr("\x1b[32mclean\x1b[0m"));
  ExpectHarmless(RenderText(WildReport(), false));
  auto coloured = RenderText(WildReport(), true);
  for (const std::string ours : {"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"}) {
    for (auto at = coloured.find(ours); at != std::string::npos; at = coloured.find(ours))
      coloured.erase(at, ours.size());
  }
  ExpectHarmless(coloured);
}

TEST(RenderTextTest, NoMessageCanForgeALineOfTheReport) {
  auto report = Sample();
  report.runs[0].tests[0].result = TestResult::kFailed;
  report.runs[0].tests[0].name = "A.b\n  clean  nothing is left";
  report.runs[0].tests[0].failures = {{"x\n  clean  nothing is left\nclean", "", 0}};
  EXPECT_THAT(Lines(RenderText(report, false)), Not(::testing::Contains(StartsWith("  clean"))));
}

TEST(RenderJunitTest, ListsRanGuiltyAndNotRun) {
  const auto xml = RenderJunit(Sample());
  EXPECT_THAT(xml, AllOf(HasSubstr("<testsuites name=\"AllTests\" tests=\"9\" failures=\"5\" errors=\"0\""),
                         HasSubstr("<testcase name=\"Early\" classname=\"Kv\" time=\"0.010\"/>"),
                         HasSubstr("name=\"Hangs\" classname=\"Kv\" time=\"0.000\">\n      <failure type=\"timed_out\" "
                                   "message=\"Kv.Hangs was still running"),
                         HasSubstr("name=\"Never\" classname=\"Kv\" time=\"0.000\">\n      <skipped message=\"not run: "
                                   "the test program ended before\"/>"),
                         HasSubstr("hostname=\"builder\""), HasSubstr("timestamp=\"1970-01-01T00:16:39\"")));
}

TEST(RenderJunitTest, LeaksOfAPassedTestAreACaseOfTheirOwn) {
  EXPECT_THAT(RenderJunit(Sample()),
              HasSubstr("<testcase name=\"leaks of Kv.Pings\" classname=\"curfew\" time=\"0.000\">\n      "
                        "<failure type=\"leaked\" message=\"1 process leaked\">leaked process 4711"));
}

TEST(RenderJunitTest, AProgramThatEndsOutsideOfItsTestsIsAnError) {
  auto report = Clean();
  report.runs[0].finished = false;
  report.runs[0].status = ExitStatus::KilledBy(SIGSEGV);
  EXPECT_THAT(RenderJunit(report),
              AllOf(HasSubstr("errors=\"1\""), HasSubstr("kv_test was killed by SIGSEGV, outside of any test")));
}

RunReport Command(const std::vector<json>& events) {
  RunReport report;
  ReadJournal(curfew::testing::CommandJournal(events), "command", report);
  return report;
}

// In every format that people and CI read, and in none of them clean.
void ExpectTold(const RunReport& report, const std::string& words) {
  EXPECT_FALSE(report.clean());
  const auto document = json::parse(RenderJson(report));
  EXPECT_FALSE(document["summary"]["clean"].get<bool>());
  EXPECT_THAT(document["runs"][0].value("abnormal_end", ""), HasSubstr(words));
  EXPECT_THAT(RenderText(report, false),
              AllOf(HasSubstr("  ENDED  "), HasSubstr(words), Not(HasSubstr("nothing is left"))));
  EXPECT_THAT(
      RenderJunit(report),
      AllOf(HasSubstr("<testcase name=\"the command\" classname=\"curfew\" time=\"1.000\">"), HasSubstr(words)));
  EXPECT_THAT(RenderGithub(report), AllOf(StartsWith("::error title="), HasSubstr(words)));
  std::string markdown = RenderMarkdown(report);
  std::erase(markdown, '\\');
  EXPECT_THAT(markdown, AllOf(HasSubstr("| ❌ ctest |"), HasSubstr(words)));
  EXPECT_THAT(RenderTrace(report), HasSubstr(words));
  EXPECT_THAT(RenderHtml(report), HasSubstr(words));
  // And after it has been merged.
  EXPECT_EQ(RenderText(DecodeReport(document), false), RenderText(report, false));
}

TEST(CommandReportTest, AFailureOfTheCommandIsTold) {
  ExpectTold(Command({Ended(ExitStatus::Exited(1))}), "exited with status 1");
}

TEST(CommandReportTest, ASignalThatKilledItIsTold) {
  ExpectTold(Command({Ended(ExitStatus::KilledBy(SIGKILL))}), "was killed by SIGKILL");
  // Earlier versions wrote this as well.
  ExpectTold(Command({Ended(ExitStatus::KilledBy(SIGTERM)), {{"event", "program_end"}}}), "was killed by SIGTERM");
}

TEST(CommandReportTest, ATimeOutIsToldWithWhatWasRunning) {
  const auto report = Command(curfew::testing::TimedOut());
  ExpectTold(report, "was still running after its timeout of 300 ms; it was killed by SIGTERM");
  EXPECT_THAT(RenderJunit(report), AllOf(HasSubstr("<failure type=\"timed_out\""), HasSubstr("  9 deaf one"),
                                         HasSubstr("had to be killed: 9 deaf one")));
  EXPECT_THAT(RenderHtml(report), HasSubstr("9 deaf one"));
}

TEST(CommandReportTest, ALostGuardianIsTold) {
  ExpectTold(Command({{{"event", "trouble"}, {"text", "its guardian (pid 5) was killed from outside"}},
                      Ended(ExitStatus::Exited(0))}),
             "its guardian (pid 5) was killed from outside");
}

TEST(CommandReportTest, WhatEndedItsRunAndIsNoTimeOutIsTold) {
  ExpectTold(Command({{{"event", "run_stopped"}, {"cause", "curfew run itself was killed"}, {"result", StopResult()}},
                      Ended(ExitStatus::Exited(0))}),
             "curfew run itself was killed");
}

TEST(CommandReportTest, AnEndThatNobodySawIsNotClean) { ExpectTold(Command({}), "ended nobody knows how"); }

TEST(CommandReportTest, OneThatEndedWellSaysSoAndIsNoError) {
  const auto report = Command({{{"event", "run_stopped"}, {"cause", ""}, {"result", StopResult()}},
                               Ended(ExitStatus::Exited(0)),
                               {{"event", "program_end"}}});
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(RenderText(report, false),
            "ctest  run cmd on builder, 1 s\n  command  exited with status 0\n  clean  nothing is left\n");
  EXPECT_THAT(RenderJunit(report),
              AllOf(HasSubstr("tests=\"1\" failures=\"0\" errors=\"0\""),
                    HasSubstr("<testcase name=\"the command\" classname=\"curfew\" time=\"1.000\"/>")));
  EXPECT_EQ(RenderGithub(report), "");
  EXPECT_THAT(RenderMarkdown(report), HasSubstr("exited with status 0"));
}

TEST(CommandReportTest, AProgramThatFailsWhenItsTestsAreThroughIsNotClean) {
  auto report = Clean();
  report.runs[0].status = ExitStatus::Exited(23);  // as a leak sanitizer ends one
  EXPECT_FALSE(report.clean());
  EXPECT_THAT(RenderText(report, false), HasSubstr("ENDED  kv_test exited with status 23, after its tests"));
  report.runs[0].tests[0].result = TestResult::kFailed;
  EXPECT_THAT(RenderText(report, false), Not(HasSubstr("ENDED"))) << "the failed test says it";
}

TEST(RenderJunitTest, CountsAgreeWithTheCases) {
  for (const auto& report : {Sample(), WildReport(), Clean(), RunReport(), Command({Ended(ExitStatus::Exited(3))})}) {
    const auto xml = RenderJunit(report);
    const auto count = [&xml](const std::string& text) {
      std::size_t found = 0;
      for (auto at = xml.find(text); at != std::string::npos; at = xml.find(text, at + 1)) ++found;
      return std::to_string(found);
    };
    EXPECT_THAT(xml, HasSubstr("name=\"AllTests\" tests=\"" + count("<testcase ") + "\" failures=\"" +
                               count("<failure ") + "\" errors=\"" + count("<error ") + "\""));
  }
}

TEST(RenderGithubTest, OneLineACommandWithPlaceAndTitle) {
  const auto lines = Lines(RenderGithub(Sample()));
  EXPECT_THAT(lines, Each(::testing::AnyOf(StartsWith("::error "), StartsWith("::warning "))));
  EXPECT_THAT(lines, ::testing::Contains(StartsWith(
                         "::error file=kv_test.cc,line=12,title=Kv.EarlyFails%3A failed::kv_test.cc:12%0A1 is not 2")));
  EXPECT_THAT(lines, ::testing::Contains(StartsWith("::error title=1 leaked by Kv.Pings::leaked process 4711")));
  EXPECT_THAT(lines, ::testing::Contains("::warning title=kv_test::1 tests were not run"));
}

TEST(RenderGithubTest, NoMessageCanBeginACommandOrEndItsProperty) {
  const auto text = RenderGithub(WildReport());
  ExpectHarmless(text);
  for (const auto& line : Lines(text)) {
    EXPECT_THAT(line, ::testing::AnyOf(StartsWith("::error "), StartsWith("::warning ")));
    // Properties end at the first "::", and hold neither ':' nor more commas than stand between them.
    const auto properties = line.substr(2, line.find("::", 2) - 2);
    EXPECT_EQ(properties.find(':'), std::string::npos) << properties;
    EXPECT_LE(std::ranges::count(properties, ','), 2) << properties;
  }
}

TEST(RenderMarkdownTest, TableAndDetails) {
  EXPECT_THAT(RenderMarkdown(Sample()), AllOf(HasSubstr("| ❌ kv\\_test | builder | 2 passed, 2 failed"),
                                              HasSubstr("<summary>❌ Kv.Hangs: "), HasSubstr("```text\n")));
  EXPECT_THAT(RenderMarkdown(Clean()), AllOf(HasSubstr("| ✅ kv\\_test |"), Not(HasSubstr("<details>"))));
}

TEST(RenderMarkdownTest, WildTextsStayInTheirCellsAndFences) {
  const auto text = RenderMarkdown(WildReport());
  ExpectHarmless(text);
  // Outside of fences there is no tag but ours.
  std::string fence;
  for (const auto& line : Lines(text)) {
    const auto ticks = line.substr(0, line.find_first_not_of('`'));
    if (fence.empty() && ticks.size() >= 3) {
      fence = ticks;
    } else if (!fence.empty()) {
      if (line == fence) fence.clear();
    } else {
      auto rest = line;
      for (const std::string ours : {"<details>", "<summary>", "</summary>", "</details>"}) {
        if (const auto at = rest.find(ours); at != std::string::npos) rest.erase(at, ours.size());
      }
      EXPECT_EQ(rest.find('<'), std::string::npos) << line;
    }
  }
  EXPECT_THAT(fence, IsEmpty()) << "a fence is open at the end";
}

TEST(RenderMarkdownTest, NeverLongerThanASummaryMayBe) {
  auto report = Sample();
  for (int i = 0; i < 300; ++i) {
    report.runs.push_back(report.runs[0]);
    report.runs.back().tests[1].failures[0].message = std::string(10'000, 'x');
  }
  const auto text = RenderMarkdown(report);
  EXPECT_LT(text.size(), 1U << 20U);
  EXPECT_THAT(text, HasSubstr("more parts are left out"));
}

TEST(RenderTraceTest, IsWhatPerfettoReads) {
  const auto trace = json::parse(RenderTrace(Sample()));
  std::map<std::string, int> kinds;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    EXPECT_GE(event.at("dur").get<std::int64_t>(), 0);
    ++kinds[event.at("cat").get<std::string>()];
  }
  EXPECT_EQ(kinds["test"], 6);  // the one that was not run has no time
  EXPECT_EQ(kinds["server"], 2);
  EXPECT_EQ(kinds["leak"], 2);
  EXPECT_EQ(kinds["phase"], 4);  // launching, in use, stopping; launching
  EXPECT_TRUE(json::accept(RenderTrace(WildReport())));
}

TEST(RenderTraceTest, SlicesOfOneRowDoNotOverlap) {
  auto report = Sample();
  for (int i = 0; i < 20; ++i) report.runs[0].servers.push_back(report.runs[0].servers[0]);
  const auto trace = json::parse(RenderTrace(report));
  std::map<std::int64_t, std::vector<std::pair<std::int64_t, std::int64_t>>> rows;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X" || event.at("cat") == "phase") continue;
    rows[event.at("tid").get<std::int64_t>()].emplace_back(
        event.at("ts").get<std::int64_t>(), event.at("ts").get<std::int64_t>() + event.at("dur").get<std::int64_t>());
  }
  for (auto& [row, slices] : rows) {
    std::ranges::sort(slices);
    for (std::size_t i = 1; i < slices.size(); ++i) EXPECT_GE(slices[i].first, slices[i - 1].second) << "row " << row;
  }
}

TEST(RenderHtmlTest, HoldsTheReportAndNothingThatLeavesThePage) {
  const auto page = RenderHtml(Sample());
  EXPECT_THAT(page, AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("default-src 'none'"), Not(HasSubstr("http://")),
                          Not(HasSubstr("https://")), Not(HasSubstr("@DATA@")), Not(HasSubstr("@CSS@")),
                          Not(HasSubstr("@JS@"))));
}

TEST(RenderHtmlTest, TheDataCannotEndItsScript) {
  const auto page = RenderHtml(WildReport());
  const std::string open = "<script type=\"application/json\" id=\"report\">";
  const auto begin = page.find(open) + open.size();
  const auto end = page.find("</script>", begin);
  const auto data = page.substr(begin, end - begin);
  EXPECT_EQ(data.find('<'), std::string::npos);
  const auto decoded = DecodeReport(json::parse(data));
  ASSERT_FALSE(decoded.runs.empty());
  EXPECT_THAT(decoded.runs[0].tests[0].name, HasSubstr("</script><!--<script>"));
}

TEST(RenderJsonTest, ReadsBackAsItWas) {
  for (const auto& report : {Sample(), Clean(), RunReport()}) {
    EXPECT_EQ(EncodeReport(DecodeReport(json::parse(RenderJson(report)))), EncodeReport(report));
  }
  // Bytes that are no UTF-8 are lost the first time, and nothing after that.
  const auto once = RenderJson(DecodeReport(json::parse(RenderJson(WildReport()))));
  EXPECT_EQ(RenderJson(DecodeReport(json::parse(once))), once);
}

}  // namespace
}  // namespace curfew::report
