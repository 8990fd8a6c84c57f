// SPDX-License-Identifier: Apache-2.0
#include "report/model.h"

#include <signal.h>

#include <algorithm>

namespace curfew::report {

const char* Name(TestResult result) {
  switch (result) {
    case TestResult::kPassed: return "passed";
    case TestResult::kFailed: return "failed";
    case TestResult::kSkipped: return "skipped";
    case TestResult::kDisabled: return "disabled";
    case TestResult::kTimedOut: return "timed_out";
    case TestResult::kCrashed: return "crashed";
    case TestResult::kUnfinished: return "unfinished";
    case TestResult::kNotRun: break;
  }
  return "not_run";
}

bool IsBad(TestResult result) {
  return result == TestResult::kFailed || result == TestResult::kTimedOut || result == TestResult::kCrashed ||
         result == TestResult::kUnfinished;
}

bool ServerRecord::killed() const {
  return stop && std::ranges::any_of(stop->processes, [](const auto& process) { return process.needed == SIGKILL; });
}

std::size_t Run::Count(TestResult result) const {
  return static_cast<std::size_t>(std::ranges::count(tests, result, &TestRecord::result));
}

std::size_t Run::LeaksToBlame() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(leaks, [](const LeakRecord& record) { return record.exempted.empty(); }));
}

bool Run::ended_well() const {
  if (!timed_out.empty() || !troubles.empty()) return false;
  if (is_command) return complete && status && *status == ExitStatus::Exited(0);
  // What fails when all tests are through (a leak sanitizer, a static's destructor) shows in the status alone.
  if (status && *status != ExitStatus::Exited(0)) return false;
  // A program without a framework has nobody to tell of its end.
  return finished || (tests.empty() && complete);
}

bool Run::clean() const {
  return ended_well() && LeaksToBlame() == 0 && std::ranges::none_of(resources, &ResourceRecord::fails) &&
         std::ranges::none_of(tests, [](const TestRecord& test) { return IsBad(test.result); });
}

bool RunReport::clean() const {
  return std::ranges::all_of(runs, [](const Run& run) { return run.clean(); });
}

}  // namespace curfew::report
