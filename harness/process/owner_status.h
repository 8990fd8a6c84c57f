// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <curfew/exit_status.h>

#include "process/pidfd.h"

namespace curfew::process {

// How a process that is not our child has ended, where the kernel tells: of a zombie its stat line (proc(5), field 52,
// for its own user), of one that was collected its pidfd (PIDFD_GET_INFO with PIDFD_INFO_EXIT, since Linux 6.15).
// Nothing if it lives, or if neither does.
[[nodiscard]] std::optional<ExitStatus> StatusOfOther(const Pidfd& process);

}  // namespace curfew::process
