// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

namespace curfew {

// How a process ended: an exit code or a signal, never both folded into one number.
//
// Asking for the one it is not is a std::logic_error, since exit code 9 and SIGKILL are different facts.
// Threads: a value; as safe as an int.
class ExitStatus {
 public:
  [[nodiscard]] static ExitStatus Exited(int code);  // it called exit(3) with this code
  [[nodiscard]] static ExitStatus KilledBy(int signal, bool dumped_core = false);  // by a signal, not 0
  // From the status word of wait(2). Precondition: WIFEXITED or WIFSIGNALED holds for it.
  [[nodiscard]] static ExitStatus FromWaitStatus(int status);

  [[nodiscard]] bool exited() const { return signal_ == 0; }  // by exit(3), or by a return from main
  [[nodiscard]] bool signaled() const { return signal_ != 0; }  // by a signal
  [[nodiscard]] int code() const;  // 0 to 255; std::logic_error unless exited()
  [[nodiscard]] int signal() const;  // SIGKILL, SIGSEGV; std::logic_error unless signaled()
  [[nodiscard]] bool dumped_core() const { return dumped_core_; }  // WCOREDUMP of wait(2)

  // "exited with status 3", "was killed by SIGSEGV (core dumped)": reads on after "the server".
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ExitStatus& status);

 private:
  ExitStatus(int code, int signal, bool dumped_core) : code_(code), signal_(signal), dumped_core_(dumped_core) {}

  int code_;
  int signal_;
  bool dumped_core_;
};

}  // namespace curfew
