// SPDX-License-Identifier: Apache-2.0
// curfew run|leaks|ps|report: see --help.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "cli/inherited_signals.h"
#include "cli/leaks_command.h"
#include "cli/report_command.h"
#include "cli/run_command.h"
#include "procfs/own_view.h"
#include "procfs/system_proc.h"
#include "report/escape.h"

namespace {

using namespace curfew::cli;
namespace procfs = curfew::procfs;

// Descriptors of ours must not take the numbers of closed standard ones. What fills them fails as a closed one does (it
// is opened the wrong way round), and is not handed on to a command: it finds them closed, as it would without us.
void FillStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    static_cast<void>(::open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  }
}

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
  FillStandardDescriptors();
  try {
    const auto asked = ParseCommandLine({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (const auto* answer = std::get_if<Answer>(&asked)) return Delivered(Answered(*answer));
    // What they say and do is about processes: with a wrong view of them it would be about strangers.
    if (const auto why = procfs::WhyNotOurs(procfs::SystemProc());
        !why.empty() && !std::holds_alternative<ReportOptions>(asked)) {
      std::fprintf(stderr, "curfew: cannot tell whose processes are whose: %s\n", why.c_str());
      return kExitInternal;
    }
    if (const auto* leaks = std::get_if<LeaksOptions>(&asked)) return Delivered(LeaksCommand(*leaks));
    if (const auto* ps = std::get_if<PsOptions>(&asked)) return Delivered(PsCommand(*ps));
    if (const auto* report = std::get_if<ReportOptions>(&asked)) return ReportCommand(*report);
    if (const auto* run = std::get_if<RunOptions>(&asked)) return RunCommand(*run, signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "curfew: %s\n", curfew::report::OneLine(error.what(), 1000).c_str());
  }
  return kExitInternal;
}
