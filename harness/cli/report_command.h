// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/report_files.h"

namespace CLI {
class App;
}

namespace curfew::cli {

// curfew report FILES... [--json F --junit F --html F --markdown F --trace F --github]
struct ReportOptions {
  std::vector<std::string> files;  // journals, JSON reports, directories of journals
  report::Outputs outputs;
};

// The formats of a report, which `curfew run` offers as well.
void DefineOutputs(CLI::App& app, report::Outputs& outputs);
// Adds the subcommand's arguments; `options` has to outlive the parsing.
void DefineReport(CLI::App& app, ReportOptions& options);

// Reads and merges the files, writes what is asked for, and prints the text if nothing else goes to standard output.
// 0: done, whatever the report tells; 1: a file could not be read or written, which stderr names. What could be read is
// reported all the same.
[[nodiscard]] int ReportCommand(const ReportOptions& options);

}  // namespace curfew::cli
