// SPDX-License-Identifier: Apache-2.0
#include "cli/report_command.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "report/escape.h"
#include "report/render.h"

namespace curfew::cli {
namespace {

// https://no-color.org: any value that is not empty.
bool WantsColour() {
  const char* const refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

void Complain(const std::string& sentence) {
  std::fprintf(stderr, "curfew: %s\n", report::OneLine(sentence, 1000).c_str());
}

}  // namespace

void DefineOutputs(CLI::App& app, report::Outputs& outputs) {
  app.add_option("--json,--report", outputs.json, "Report as JSON (docs/report.schema.json)")->option_text("F");
  app.add_option("--junit", outputs.junit, "Report as JUnit XML")->option_text("F");
  app.add_option("--html", outputs.html, "Report as a page with a timeline")->option_text("F");
  app.add_option("--markdown", outputs.markdown, "Report as a Markdown summary")->option_text("F");
  app.add_option("--trace", outputs.trace, "Report as trace events, for ui.perfetto.dev")->option_text("F");
  app.add_flag("--github", outputs.github, "Print annotations, and append the summary to $GITHUB_STEP_SUMMARY");
}

void DefineReport(CLI::App& app, ReportOptions& options) {
  app.footer("FILES are journals (curfew-RUN.jsonl in CURFEW_ARTIFACTS), JSON reports, or directories of journals.\n"
             "F is a path, or - for standard output. Without any of them the report is printed as text.");
  app.add_option("FILES", options.files, "What to make one report of")->required()->option_text("FILE...");
  DefineOutputs(app, options.outputs);
}

int ReportCommand(const ReportOptions& options) {
  const auto read = report::ReadFiles(options.files);
  for (const auto& note : read.notes) Complain(note);
  for (const auto& error : read.unreadable) Complain(error);
  const auto written = report::WriteReports(read.report, options.outputs);
  for (const auto& error : written.errors) Complain(error);
  // What could not be written goes where it can be read.
  const bool as_text = options.outputs == report::Outputs() || !written.errors.empty();
  const auto text = written.standard_output + (as_text ? report::RenderText(read.report, WantsColour()) : "");
  const bool printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!printed) Complain("failed to write to standard output");
  return read.unreadable.empty() && written.errors.empty() && printed ? 0 : 1;
}

}  // namespace curfew::cli
