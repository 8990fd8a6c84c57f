// SPDX-License-Identifier: Apache-2.0
// curfew run|leaks|ps|report: see --help.
#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "cli/inherited_signals.h"
#include "cli/leaks_command.h"
#include "cli/report_command.h"
#include "cli/run_command.h"

namespace {

using namespace curfew::cli;

int Answered(const Answer& answer) {
  std::fputs(answer.text.c_str(), answer.exit_code == 0 ? stdout : stderr);
  return answer.exit_code;
}

// An answer that nobody could read is none.
int Delivered(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  std::fputs("curfew: failed to write to standard output\n", stderr);
  return kExitInternal;
}

}  // namespace

int main(int argc, char** argv) {
  const auto signals = InheritedSignals::Capture();
  try {
    const auto asked = ParseCommandLine({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (const auto* answer = std::get_if<Answer>(&asked)) return Delivered(Answered(*answer));
    if (const auto* leaks = std::get_if<LeaksOptions>(&asked)) return Delivered(LeaksCommand(*leaks));
    if (const auto* ps = std::get_if<PsOptions>(&asked)) return Delivered(PsCommand(*ps));
    if (const auto* report = std::get_if<ReportOptions>(&asked)) return ReportCommand(*report);
    if (const auto* run = std::get_if<RunOptions>(&asked)) return RunCommand(*run, signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "curfew: %s\n", error.what());
  }
  return kExitInternal;
}
