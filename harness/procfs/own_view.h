// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "procfs/proc.h"

namespace curfew::procfs {

// Why this proc file system cannot be trusted to show the processes that this one sees: it is none, or one of another
// PID namespace, in which every number means somebody else (pid_namespaces(7): a new namespace needs a mount of its
// own). Empty if it can. What it hides of other users (hidepid) is not looked at.
[[nodiscard]] std::string WhyNotOurs(const Proc& proc);

// The name of this machine, or of its UTS namespace; empty if it has none.
[[nodiscard]] std::string HostName();

}  // namespace curfew::procfs
