// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <vector>

#include <curfew/duration.h>

namespace curfew::readiness {

// Waits until one of the descriptors has something or the moment has come, whichever is first. To the
// nanosecond: poll(2) counts in milliseconds, ten times the shortest pause. May return early, on a signal. A
// moment in the past only looks at the descriptors: a negative time-out would be refused, or taken to mean
// for ever.
void Sleep(std::vector<pollfd>& descriptors, Deadline now, Deadline until);

}  // namespace curfew::readiness
