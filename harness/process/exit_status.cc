// SPDX-License-Identifier: Apache-2.0
#include <curfew/exit_status.h>

#include <sys/wait.h>

#include <cassert>
#include <ostream>
#include <stdexcept>

#include "process/names.h"

namespace curfew {

ExitStatus ExitStatus::Exited(int code) {
  return {code, 0, false};
}

ExitStatus ExitStatus::KilledBy(int signal, bool dumped_core) {
  assert(signal > 0 && "no process is killed by signal 0");
  return {0, signal, dumped_core};
}

ExitStatus ExitStatus::FromWaitStatus(int status) {
  if (WIFSIGNALED(status)) return KilledBy(WTERMSIG(status), WCOREDUMP(status));
  assert(WIFEXITED(status) && "a stopped or continued process has no exit status");
  return Exited(WEXITSTATUS(status));
}

int ExitStatus::code() const {
  if (signaled()) throw std::logic_error("asked for the exit code of a process that " + ToString());
  return code_;
}

int ExitStatus::signal() const {
  if (exited()) throw std::logic_error("asked for the signal of a process that " + ToString());
  return signal_;
}

std::string ExitStatus::ToString() const {
  if (exited()) return "exited with status " + std::to_string(code_);
  return "was killed by " + process::SignalName(signal_) + (dumped_core_ ? " (core dumped)" : "");
}

std::ostream& operator<<(std::ostream& out, const ExitStatus& status) {
  return out << status.ToString();
}

}  // namespace curfew
