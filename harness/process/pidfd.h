// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::process {

// A process pinned by a descriptor: whatever happens to the number, this never means a successor
// (pidfd_open(2)). (pid, start time) alone does not do: start time counts in clock ticks, and a small pid_max
// makes the pair collide.
class Pidfd {
 public:
  Pidfd() = default;
  // ESRCH when no process has that number (a zombie still has).
  [[nodiscard]] static Result<Pidfd> Open(pid_t pid);
  // Adopts a descriptor that is known to be the pidfd of that process.
  [[nodiscard]] static Pidfd Adopt(pid_t pid, FileDescriptor fd) { return {pid, std::move(fd)}; }
  // Stands for a process that has ended and been collected: every signal is ESRCH.
  [[nodiscard]] static Pidfd Gone(pid_t pid) { return {pid, FileDescriptor()}; }

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int get() const { return fd_.get(); }
  [[nodiscard]] bool valid() const { return fd_.valid(); }

  // 0 or the errno: ESRCH once the process is collected, EPERM for another user's.
  [[nodiscard]] int Signal(int signal) const;
  // To the process group whose number is this process's pid, by identity and not by number; atomic against
  // fork. Works after the leader itself is gone. EINVAL before Linux 6.9 (pidfd_send_signal(2),
  // PIDFD_SIGNAL_PROCESS_GROUP).
  [[nodiscard]] int SignalGroup(int signal) const;
  // It has ended: a zombie or collected.
  [[nodiscard]] bool Ended() const;

 private:
  Pidfd(pid_t pid, FileDescriptor fd) : pid_(pid), fd_(std::move(fd)) {}

  pid_t pid_ = 0;
  FileDescriptor fd_;
};

}  // namespace curfew::process
