// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>

namespace curfew::process {

// fork(2) with flags of clone(2), born in the cgroup whose directory is `cgroup_fd` (-1: the caller's own;
// clone(2), CLONE_INTO_CGROUP, since Linux 5.7). Returns twice, like fork; -1 and errno.
//
// Only for small single-threaded callers: it copies the page tables, and knows nothing of the locks that libc's
// own fork takes care of. With namespace flags there is no vfork to use.
// `exit_signal` tells the child's end to the caller; 0: none does (a sibling's is that of the caller itself).
[[nodiscard]] pid_t RawFork(std::uint64_t flags, int cgroup_fd = -1, int exit_signal = SIGCHLD);

}  // namespace curfew::process
