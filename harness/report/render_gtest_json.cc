// SPDX-License-Identifier: Apache-2.0
// docs/advanced.md of GoogleTest, "Generating a JSON Report": names, numbers as numbers, durations as "0.1s".
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

#include "report/escape.h"
#include "report/iso_time.h"
#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

using nlohmann::json;

struct Counts {
  int tests = 0;
  int failures = 0;
  int disabled = 0;
  Span time{};

  void Add(const TestRecord& test) {
    ++tests;
    failures += IsBad(test.result) ? 1 : 0;
    disabled += test.result == TestResult::kDisabled ? 1 : 0;
    time += test.duration.value_or(Span{});
  }
  void WriteTo(json& out) const {
    out["tests"] = tests;
    out["failures"] = failures;
    out["disabled"] = disabled;
    out["errors"] = 0;
    out["time"] = SecondsOf(time) + 's';
  }
};

json Encode(const Run& run, const TestRecord& test) {
  const bool ran = test.result != TestResult::kNotRun && test.result != TestResult::kDisabled;
  json out = {{"name", Visible(test.test())},
              {"classname", Visible(test.suite())},
              {"status", ran ? "RUN" : "NOTRUN"},
              {"result", !ran ? "SUPPRESSED" : test.result == TestResult::kSkipped ? "SKIPPED" : "COMPLETED"},
              {"time", SecondsOf(test.duration.value_or(Span{})) + 's'}};
  if (!test.file.empty()) out["file"] = test.file;
  if (!test.file.empty()) out["line"] = test.line;
  if (test.begin) out["timestamp"] = IsoTime(*test.begin) + 'Z';
  if (!IsBad(test.result)) return out;
  out["failures"] = json::array();
  // GoogleTest has an entry for each failure; what is not one of its own stands for the whole.
  if (test.result != TestResult::kFailed || test.failures.empty()) {
    out["failures"].push_back({{"failure", Visible(Story(run, test))}, {"type", Name(test.result)}});
    return out;
  }
  for (const auto& failure : test.failures) {
    const auto place = failure.file.empty() ? "unknown file" : failure.file + ':' + std::to_string(failure.line);
    out["failures"].push_back({{"failure", Visible(place + '\n' + failure.message)}, {"type", ""}});
  }
  return out;
}

}  // namespace

std::string RenderGtestJson(const RunReport& report) {
  json suites = json::array();
  std::vector<Counts> counts;
  Counts all;
  std::optional<Time> begin;
  for (const auto& run : report.runs) {
    std::map<std::string, std::size_t> places;
    if (!begin) begin = run.begin;
    for (const auto& test : run.tests) {
      const auto [place, is_new] = places.emplace(test.suite(), suites.size());
      if (is_new) {
        suites.push_back({{"name", Visible(test.suite())}, {"testsuite", json::array()}});
        counts.emplace_back();
      }
      suites[place->second]["testsuite"].push_back(Encode(run, test));
      if (test.begin && !suites[place->second].contains("timestamp"))
        suites[place->second]["timestamp"] = IsoTime(*test.begin) + 'Z';
      counts[place->second].Add(test);
      all.Add(test);
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i].WriteTo(suites[i]);
  json out = {{"name", "AllTests"}, {"testsuites", std::move(suites)}};
  if (begin) out["timestamp"] = IsoTime(*begin) + 'Z';
  all.WriteTo(out);
  return out.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace curfew::report
