// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

// Reports from files to files: `curfew report`, and the --report, --junit ... of `curfew run`.
namespace curfew::report {

// One report from journals and JSON reports of many shards and machines, and from directories of journals (*.jsonl).
// A run that is given more than once (its id tells) is told once, from the input that knows most of it.
struct ReadFilesResult {
  RunReport report;
  std::vector<std::string> unreadable;  // files that gave nothing, with the reason
  std::vector<std::string> notes;       // what was given twice
};
[[nodiscard]] ReadFilesResult ReadFiles(const std::vector<std::string>& paths);

// Adds a run, unless the report knows more of it already.
enum class Merged { kNew, kReplaced, kKnownBetter };
Merged MergeRun(Run run, RunReport& report);

// A process that a run inside has found and left, and the run around it found as well, is one leak: its record stays
// with who looked last.
void TellLeaksOnce(RunReport& report);

// Where each format is to go: a path, "-" for standard output, empty for nowhere.
struct Outputs {
  std::string json;
  std::string junit;
  std::string html;
  std::string markdown;
  std::string trace;
  bool github = false;  // annotations on standard output, and the summary appended to $GITHUB_STEP_SUMMARY

  friend bool operator==(const Outputs&, const Outputs&) = default;
};

struct WriteResult {
  std::string standard_output;
  std::vector<std::string> errors;  // whole sentences: which file, why
};
// Writes every file that is asked for; one that cannot be written does not keep the others from it.
[[nodiscard]] WriteResult WriteReports(const RunReport& report, const Outputs& outputs);

}  // namespace curfew::report
