// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "process/clock.h"
#include "report/escape.h"
#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

class Text {
 public:
  explicit Text(bool colour) : colour_(colour) {}

  std::string Render(const RunReport& report) {
    for (const auto& run : report.runs) OneRun(run);
    for (const auto& damage : report.damage)
      out_ << Painted(kYellow, "incomplete") << "  " << OneLine(damage, 500) << '\n';
    if (report.runs.size() != 1) Total(report);
    return out_.str();
  }

 private:
  static constexpr const char* kRed = "31";
  static constexpr const char* kGreen = "32";
  static constexpr const char* kYellow = "33";
  static constexpr const char* kBold = "1";

  [[nodiscard]] std::string Painted(const char* colour, const std::string& text) const {
    return colour_ ? std::string("\x1b[") + colour + "m" + text + "\x1b[0m" : text;
  }

  // Indented, so that nothing of a test's words can be taken for a line of the report.
  void Block(const std::string& text) {
    std::istringstream lines(Visible(text));
    for (std::string line; std::getline(lines, line);) out_ << "      " << line << '\n';
  }

  void OneRun(const Run& run) {
    out_ << Painted(kBold, OneLine(ProgramName(run))) << "  run " << OneLine(run.id);
    if (!run.host.empty()) out_ << " on " << OneLine(run.host);
    if (run.begin && run.end) out_ << ", " << process::Describe(*run.end - *run.begin);
    out_ << '\n';
    if (const auto end = CommandEnd(run); !end.empty()) out_ << "  command  " << OneLine(end, 500) << '\n';
    if (!run.is_command || !run.tests.empty()) out_ << "  tests    " << CountsOf(run) << '\n';
    if (!run.servers.empty())
      out_ << "  servers  " << run.servers.size() << ", contained by " << OneLine(run.containment) << '\n';
    for (const auto& test : run.tests) {
      if (!IsBad(test.result)) continue;
      out_ << "  " << Painted(kRed, Label(test.result)) << "  " << OneLine(test.name) << '\n';
      Block(Story(run, test));
    }
    NotRun(run);
    for (const auto& blame : UnsaidLeaks(run)) {
      out_ << "  " << Painted(kRed, "LEAKED") << "  by " << OneLine(blame.name) << '\n';
      for (const auto* record : blame.leaks) Block(record->leak.ToString());
    }
    for (const auto& record : run.leaks) {
      if (record.exempted.empty()) continue;
      out_ << "  " << Painted(kYellow, "exempted") << "  " << record.leak.process.pid << ' '
           << record.leak.process.CommandLine() << ": " << OneLine(record.exempted) << '\n';
    }
    for (const auto& resource : run.resources) {
      out_ << "  " << Painted(resource.fails ? kRed : kYellow, resource.fails ? "LEFT" : "still there") << "  "
           << OneLine(Told(resource), 1000) << '\n';
    }
    for (const auto& server : run.servers) {
      if (const auto trouble = Trouble(server); !trouble.empty()) {
        out_ << "  " << Painted(kYellow, "server") << "  " << OneLine(trouble, 500) << '\n';
      }
    }
    if (const auto end = AbnormalEnd(run); !end.empty()) {
      out_ << "  " << Painted(kRed, "ENDED") << "  " << OneLine(end, 500) << '\n';
      const auto story = AbnormalEndStory(run);
      Block(story.substr(story.find('\n') + 1));
    }
    for (const auto& note : run.notes)
      out_ << "  " << Painted(kYellow, "note") << "  " << OneLine(note.text, 1000) << '\n';
    if (run.clean()) out_ << "  " << Painted(kGreen, "clean") << "  nothing is left\n";
  }

  static const char* Label(TestResult result) {
    switch (result) {
      case TestResult::kTimedOut: return "TIMED OUT";
      case TestResult::kCrashed: return "CRASHED";
      case TestResult::kUnfinished: return "UNFINISHED";
      default: return "FAILED";
    }
  }

  void NotRun(const Run& run) {
    constexpr std::size_t kShown = 20;
    std::size_t shown = 0;
    const auto all = run.Count(TestResult::kNotRun);
    for (const auto& test : run.tests) {
      if (test.result != TestResult::kNotRun) continue;
      if (shown++ == kShown) break;
      out_ << "  " << Painted(kYellow, "not run") << "  " << OneLine(test.name) << '\n';
    }
    if (all > kShown) out_ << "  and " << all - kShown << " more that were not run\n";
  }

  void Total(const RunReport& report) {
    std::size_t bad = 0;
    std::size_t leaks = 0;
    for (const auto& run : report.runs) {
      for (const auto& test : run.tests) bad += IsBad(test.result) ? 1 : 0;
      leaks += run.LeaksToBlame();
    }
    out_ << Painted(report.clean() ? kGreen : kRed, std::to_string(report.runs.size()) + " runs") << ": " << bad
         << " bad tests, " << leaks << (leaks == 1 ? " leak\n" : " leaks\n");
  }

  bool colour_;
  std::ostringstream out_;
};

}  // namespace

std::string RenderText(const RunReport& report, bool colour) { return Text(colour).Render(report); }

}  // namespace curfew::report
