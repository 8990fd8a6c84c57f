// SPDX-License-Identifier: Apache-2.0
#include "readiness/sleep.h"

#include <algorithm>
#include <ctime>

namespace curfew::readiness {

void Sleep(std::vector<pollfd>& descriptors, Deadline now, Deadline until) {
  const Duration left = std::max(Duration::zero(), Duration(until - now));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{.tv_sec = static_cast<time_t>(seconds.count()),
                         .tv_nsec = static_cast<long>((left - seconds).count())};
  for (pollfd& descriptor : descriptors) descriptor.revents = 0;
  // Interrupted or refused, nothing is said to be readable: whoever called looks at the time and comes again.
  if (::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr) >= 0) return;
  for (pollfd& descriptor : descriptors) descriptor.revents = 0;
}

}  // namespace curfew::readiness
