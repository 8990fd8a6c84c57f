// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <curfew/duration.h>

namespace curfew::process {

// The seam through which everything that waits reads the time; unit tests put a clock of their own in.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Deadline Now() const = 0;

  [[nodiscard]] static const Clock& Steady();
};

// Milliseconds for poll(2) until the deadline: rounded up, so that a wait never ends early and spins; 0 once
// it has passed, never negative, since a negative time-out means for ever.
[[nodiscard]] int PollTimeout(Deadline now, Deadline deadline);

// CURFEW_TIMEOUT_SCALE (default 1; must be > 0, else 1) times the given time. For valgrind, sanitizers, load.
[[nodiscard]] Duration Scaled(Duration duration);

// "1.5 s", "12 ms", "350 us": for people.
[[nodiscard]] std::string Describe(Duration duration);

}  // namespace curfew::process
