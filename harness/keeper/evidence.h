// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "containment/tree_finder.h"
#include "process/pidfd.h"

namespace curfew::keeper {

// What a hung process and its threads were doing: state, wait channel and system call of each thread, and the upper end
// of its kernel stack where that is shown.
[[nodiscard]] std::string DescribeThreads(pid_t pid);
// The tree of a server: pid, state, wait channel and command of each process, then the last lines of its log.
[[nodiscard]] std::string DescribeServer(const std::string& name, const containment::TreeFinder& finder,
                                         const std::string& log_path);

// Whether a process of the tree is traced by one that is not of the tree: a debugger that somebody has attached. A
// server that traces its own children means nothing by it.
[[nodiscard]] bool TracedFromOutside(const containment::TreeFinder& finder);

// Writes to the standard error of a process that cannot speak for itself any more. The descriptor is held for
// this one write only: no long-lived process of ours may keep the end of a pipe somebody waits for.
void WriteToStderrOf(const process::Pidfd& process, const std::string& text);

}  // namespace curfew::keeper
