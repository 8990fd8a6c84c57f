// SPDX-License-Identifier: Apache-2.0
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions: what a step prints becomes
// annotations. A runner shows ten errors and ten warnings of a step, so the first ones have to count.
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "report/escape.h"
#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

// Annotations land on lines of the diff only for paths below the repository.
std::string FromWorkspace(const std::string& file) {
  const char* workspace = std::getenv("GITHUB_WORKSPACE");
  if (workspace == nullptr || !file.starts_with('/')) return file;
  const auto relative = std::filesystem::path(file).lexically_relative(workspace).string();
  return relative.empty() || relative.starts_with("..") ? file : relative;
}

void Command(std::ostream& out, const char* command, const std::string& file, int line, const std::string& title,
             const std::string& message) {
  out << "::" << command << ' ';
  if (!file.empty()) out << "file=" << GithubProperty(FromWorkspace(file)) << ',';
  if (!file.empty() && line > 0) out << "line=" << line << ',';
  out << "title=" << GithubProperty(OneLine(title)) << "::" << GithubMessage(message) << '\n';
}

void OneTest(std::ostream& out, const Run& run, const TestRecord& test) {
  const bool placed = !test.failures.empty() && !test.failures.front().file.empty();
  Command(out, "error", placed ? test.failures.front().file : test.file,
          placed ? test.failures.front().line : test.line,
          test.name + ": " + (test.result == TestResult::kFailed ? "failed" : Headline(test)), Story(run, test));
}

}  // namespace

std::string RenderGithub(const RunReport& report) {
  std::ostringstream out;
  for (const auto& run : report.runs) {
    for (const auto& test : run.tests) {
      if (IsBad(test.result)) OneTest(out, run, test);
    }
    for (const auto& blame : UnsaidLeaks(run)) {
      std::string text;
      for (const auto* record : blame.leaks) text += record->leak.ToString();
      Command(out, "error", "", 0, std::to_string(blame.leaks.size()) + " leaked by " + blame.name, text);
    }
    for (const auto& resource : run.resources) {
      Command(out, resource.fails ? "error" : "warning", "", 0, ProgramName(run) + ": something is left",
              Told(resource));
    }
    if (const auto end = AbnormalEnd(run); !end.empty()) Command(out, "error", "", 0, end, AbnormalEndStory(run));
    if (const auto left = run.Count(TestResult::kNotRun); left > 0) {
      Command(out, "warning", "", 0, ProgramName(run), std::to_string(left) + " tests were not run");
    }
  }
  for (const auto& damage : report.damage) Command(out, "warning", "", 0, "the report is incomplete", damage);
  return out.str();
}

}  // namespace curfew::report
