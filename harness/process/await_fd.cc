// SPDX-License-Identifier: Apache-2.0
#include "process/await_fd.h"

#include <poll.h>

#include <cerrno>

#include "process/clock.h"

namespace curfew::process {

int AwaitFd(int fd, short events, Deadline deadline) {
  pollfd waiting{fd, events, 0};
  for (;;) {
    const int ready = ::poll(&waiting, 1, PollTimeout(Clock::Steady().Now(), deadline));
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

}  // namespace curfew::process
