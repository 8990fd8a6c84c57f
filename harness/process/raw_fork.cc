// SPDX-License-Identifier: Apache-2.0
#include "process/raw_fork.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace curfew::process {

pid_t RawFork(std::uint64_t flags, int cgroup_fd, int exit_signal) {
  // clone3 refuses to be told one for a sibling.
  const std::uint64_t tells = (flags & CLONE_PARENT) != 0 ? 0 : static_cast<std::uint64_t>(exit_signal);
  if (cgroup_fd < 0) {
    // Not clone3, which some container runtimes hide (ENOSYS).
    return static_cast<pid_t>(::syscall(SYS_clone, flags | tells, nullptr, nullptr, nullptr, 0));
  }
  clone_args arguments{};
  arguments.flags = flags | CLONE_INTO_CGROUP;
  arguments.exit_signal = tells;
  arguments.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace curfew::process
