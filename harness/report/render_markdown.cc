// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "process/clock.h"
#include "report/escape.h"
#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

// GitHub refuses a step summary above 1 MiB as a whole; what comes last is left out instead.
constexpr std::size_t kMostBytes = 1'000'000;

void Details(std::ostream& out, const std::string& title, const std::string& text) {
  // The blank line makes what follows Markdown again, fence included.
  out << "<details><summary>" << XmlText(OneLine(title)) << "</summary>\n\n" << MarkdownBlock(text) << "\n</details>\n";
}

std::string RunRow(const Run& run) {
  std::ostringstream out;
  out << "| " << (run.clean() ? "✅" : "❌") << ' ' << MarkdownText(ProgramName(run)) << " | " << MarkdownText(run.host)
      << " | " << MarkdownText(CountsOf(run)) << " | " << run.servers.size() << " | " << run.LeaksToBlame() << " | ";
  if (run.begin && run.end) out << process::Describe(*run.end - *run.begin);
  out << " |\n";
  return out.str();
}

std::string RunDetails(const Run& run) {
  std::ostringstream out;
  for (const auto& test : run.tests) {
    if (IsBad(test.result)) Details(out, "❌ " + test.name + ": " + Headline(test), Story(run, test));
  }
  for (const auto& blame : UnsaidLeaks(run)) {
    std::string text;
    for (const auto* record : blame.leaks) text += record->leak.ToString();
    Details(out, "❌ " + std::to_string(blame.leaks.size()) + " leaked by " + blame.name, text);
  }
  for (const auto& resource : run.resources) {
    out << "\n" << (resource.fails ? "❌ " : "⚠️ ") << MarkdownText(Told(resource)) << "\n\n";
  }
  if (const auto end = AbnormalEnd(run); !end.empty()) Details(out, "❌ " + end, AbnormalEndStory(run));
  std::string left;
  for (const auto& test : run.tests) {
    if (test.result == TestResult::kNotRun) left += test.name + '\n';
  }
  if (!left.empty()) Details(out, std::to_string(run.Count(TestResult::kNotRun)) + " not run", left);
  return out.str();
}

}  // namespace

std::string RenderMarkdown(const RunReport& report) {
  std::string out =
      "### Curfew\n\n| program | machine | tests | servers | leaks | took |\n| --- | --- | --- | --- | --- | --- |\n";
  std::size_t left_out = 0;
  const auto add = [&](const std::string& part) {
    if (out.size() + part.size() > kMostBytes) {
      ++left_out;
    } else {
      out += part;
    }
  };
  for (const auto& run : report.runs) add(RunRow(run));
  add("\n");
  for (const auto& run : report.runs) add(RunDetails(run));
  for (const auto& damage : report.damage) add("\n⚠️ " + MarkdownText(damage) + "\n");
  if (left_out > 0) out += "\n" + std::to_string(left_out) + " more parts are left out: a summary may hold 1 MiB\n";
  return out;
}

}  // namespace curfew::report
