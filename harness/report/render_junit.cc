// SPDX-License-Identifier: Apache-2.0
// JUnit XML as its readers have agreed on it without a standard: tests/unit/report/junit.xsd is the common part.
#include <algorithm>
#include <map>
#include <sstream>

#include "report/escape.h"
#include "report/iso_time.h"
#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

struct Case {
  std::string name;
  std::string kind;  // "failure", "error", "skipped"; empty: passed
  std::string type;
  std::string message;
  std::string text;
  Span duration{};
};

struct Suite {
  std::string name;
  const Run* run = nullptr;
  std::optional<Time> begin;
  std::vector<Case> cases;

  [[nodiscard]] auto Count(const char* kind) const {
    return std::ranges::count_if(cases, [kind](const Case& c) { return c.kind == kind; });
  }
  [[nodiscard]] Span duration() const {
    Span sum{};
    for (const auto& test : cases) sum += test.duration;
    return sum;
  }
};

Case CaseOf(const Run& run, const TestRecord& test) {
  Case out;
  out.name = test.test();
  out.duration = test.duration.value_or(Span{});
  switch (test.result) {
    case TestResult::kPassed: return out;
    case TestResult::kSkipped:
      out.kind = "skipped";
      if (!test.failures.empty()) out.message = test.failures.front().message;
      return out;
    case TestResult::kDisabled:
    case TestResult::kNotRun:
      out.kind = "skipped";
      out.message = test.result == TestResult::kDisabled ? "disabled" : "not run: the test program ended before";
      return out;
    case TestResult::kCrashed:
    case TestResult::kUnfinished: out.kind = "error"; break;
    case TestResult::kFailed:
    case TestResult::kTimedOut: out.kind = "failure"; break;
  }
  out.type = Name(test.result);
  out.message = Headline(test);
  out.text = Story(run, test);
  return out;
}

std::vector<Suite> SuitesOf(const Run& run) {
  std::vector<Suite> suites;
  std::map<std::string, std::size_t> places;
  const auto suite_of = [&](const std::string& name) -> Suite& {
    const auto [place, is_new] = places.emplace(name, suites.size());
    if (is_new) suites.push_back({name, &run, run.begin, {}});
    return suites[place->second];
  };
  for (const auto& test : run.tests) {
    auto& suite = suite_of(test.suite());
    if (suite.cases.empty() && test.begin) suite.begin = test.begin;
    suite.cases.push_back(CaseOf(run, test));
  }
  for (const auto& blame : UnsaidLeaks(run)) {
    Case leaked{.name = "leaks of " + blame.name, .kind = "failure", .type = "leaked", .message = {}, .text = {}};
    leaked.message =
        std::to_string(blame.leaks.size()) + (blame.leaks.size() == 1 ? " process" : " processes") + " leaked";
    for (const auto* record : blame.leaks) leaked.text += record->leak.ToString();
    suite_of("curfew").cases.push_back(std::move(leaked));
  }
  Case left{.name = "resources", .kind = "failure", .type = "left", .message = {}, .text = {}};
  for (const auto& resource : run.resources) {
    if (!resource.fails) continue;
    if (left.message.empty()) left.message = Told(resource);
    left.text += Told(resource) + '\n';
  }
  if (!left.text.empty()) suite_of("curfew").cases.push_back(std::move(left));
  const auto end = AbnormalEnd(run);
  if (end.empty() && !run.is_command) return suites;
  Case ended{
      .name = run.is_command ? "the command" : "the test program", .kind = {}, .type = {}, .message = {}, .text = {}};
  if (run.is_command && run.begin && run.end) ended.duration = std::max(Span{}, Span(*run.end - *run.begin));
  // One that ended well is told, too: many readers take a file without any case for a broken one.
  if (!end.empty()) {
    ended.kind = run.timed_out.empty() ? "error" : "failure";
    ended.type = run.timed_out.empty() ? "ended" : "timed_out";
    ended.message = end;
    ended.text = AbnormalEndStory(run);
  }
  suite_of("curfew").cases.push_back(std::move(ended));
  return suites;
}

void Write(std::ostream& out, const Suite& suite, const Case& test) {
  out << "    <testcase name=\"" << XmlAttribute(test.name) << "\" classname=\"" << XmlAttribute(suite.name)
      << "\" time=\"" << SecondsOf(test.duration) << '"';
  if (test.kind.empty()) {
    out << "/>\n";
    return;
  }
  out << ">\n      <" << test.kind;
  if (!test.type.empty()) out << " type=\"" << XmlAttribute(test.type) << '"';
  if (!test.message.empty()) out << " message=\"" << XmlAttribute(test.message) << '"';
  if (test.text.empty()) {
    out << "/>\n";
  } else {
    out << '>' << XmlText(test.text) << "</" << test.kind << ">\n";
  }
  out << "    </testcase>\n";
}

void Write(std::ostream& out, const Suite& suite) {
  out << "  <testsuite name=\"" << XmlAttribute(suite.name) << "\" tests=\"" << suite.cases.size() << "\" failures=\""
      << suite.Count("failure") << "\" errors=\"" << suite.Count("error") << "\" skipped=\"" << suite.Count("skipped")
      << "\" time=\"" << SecondsOf(suite.duration()) << '"';
  if (suite.begin) out << " timestamp=\"" << IsoTime(*suite.begin) << '"';
  if (!suite.run->host.empty()) out << " hostname=\"" << XmlAttribute(suite.run->host) << '"';
  out << ">\n    <properties>\n      <property name=\"curfew.run\" value=\"" << XmlAttribute(suite.run->id)
      << "\"/>\n      <property name=\"curfew.program\" value=\"" << XmlAttribute(ProgramName(*suite.run)) << "\"/>\n";
  if (const auto end = CommandEnd(*suite.run); !end.empty()) {
    out << "      <property name=\"curfew.ended\" value=\"" << XmlAttribute(end) << "\"/>\n";
  }
  out << "    </properties>\n";
  for (const auto& test : suite.cases) Write(out, suite, test);
  out << "  </testsuite>\n";
}

}  // namespace

std::string RenderJunit(const RunReport& report) {
  std::vector<Suite> suites;
  for (const auto& run : report.runs) {
    for (auto& suite : SuitesOf(run)) suites.push_back(std::move(suite));
  }
  std::size_t tests = 0;
  std::ptrdiff_t failures = 0;
  std::ptrdiff_t errors = 0;
  Span time{};
  for (const auto& suite : suites) {
    tests += suite.cases.size();
    failures += suite.Count("failure");
    errors += suite.Count("error");
    time += suite.duration();
  }
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"AllTests\" tests=\"" << tests
      << "\" failures=\"" << failures << "\" errors=\"" << errors << "\" time=\"" << SecondsOf(time) << "\">\n";
  for (const auto& suite : suites) Write(out, suite);
  out << "</testsuites>\n";
  return out.str();
}

}  // namespace curfew::report
