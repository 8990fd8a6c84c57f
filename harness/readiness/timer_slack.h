// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/prctl.h>

namespace curfew::readiness {

// While this lives, the calling thread's waits end when they are due, and not up to 50 us later
// (PR_SET_TIMERSLACK(2const)): that would be half of the shortest pause.
class PreciseTimers {
 public:
  PreciseTimers() : previous_(::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) {
    if (previous_ > 0) ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  }
  ~PreciseTimers() {
    if (previous_ > 0) ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(previous_), 0, 0, 0);
  }
  PreciseTimers(const PreciseTimers&) = delete;
  PreciseTimers& operator=(const PreciseTimers&) = delete;

 private:
  int previous_;
};

}  // namespace curfew::readiness
