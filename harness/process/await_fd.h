// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curfew/duration.h>

namespace curfew::process {

// Waits until poll(2) has one of the events to tell of this descriptor, errors and hang-ups included; signals do not
// end the wait. 0, ETIMEDOUT at the deadline, or poll's errno.
[[nodiscard]] int AwaitFd(int fd, short events, Deadline deadline);

}  // namespace curfew::process
