// SPDX-License-Identifier: Apache-2.0
// write_formats DIRECTORY [FILE...]: every format of a report, for tests that check it with other programs. Of the
// files, or of a report of each kind: plain, of a command that timed out, wild and empty.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "command_journal.h"
#include "report/report_files.h"
#include "wild_report.h"

namespace {

using namespace curfew::report;

bool Write(const std::filesystem::path& directory, const std::string& name, const RunReport& report) {
  const auto path = [&](const char* suffix) { return (directory / (name + suffix)).string(); };
  const auto written = WriteReports(report, {.json = path(".json"), .junit = path(".xml"), .html = path(".html"),
                                             .markdown = path(".md"), .trace = path(".trace")});
  for (const auto& error : written.errors) std::fprintf(stderr, "%s\n", error.c_str());
  return written.errors.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::filesystem::path directory = argv[1];
  if (argc > 2) {
    const auto read = ReadFiles({argv + 2, argv + argc});
    for (const auto& error : read.unreadable) std::fprintf(stderr, "%s\n", error.c_str());
    return read.unreadable.empty() && Write(directory, "report", read.report) ? 0 : 1;
  }
  RunReport plain;
  ReadJournal(curfew::testing::SampleJournal("one") + curfew::testing::SampleJournal("two"), "sample", plain);
  RunReport command;
  ReadJournal(curfew::testing::CommandJournal(curfew::testing::TimedOut()), "sample", command);
  const bool written = Write(directory, "plain", plain) && Write(directory, "command", command) &&
                       Write(directory, "wild", curfew::testing::WildReport()) && Write(directory, "empty", {});
  return written ? 0 : 1;
}
