// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/options.h"
#include "cli/report_command.h"

namespace curfew::cli {

// Nothing is to be run: the text, for stdout if the code is 0, else for stderr, and the exit code.
struct Answer {
  std::string text;
  int exit_code = 0;
};

using CommandLine = std::variant<Answer, RunOptions, LeaksOptions, PsOptions, ReportOptions>;

// What the arguments (without the program's name) ask for. Whatever is wrong with them is an Answer with kExitUsage.
[[nodiscard]] CommandLine ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace curfew::cli
