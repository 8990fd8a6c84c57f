// SPDX-License-Identifier: Apache-2.0
#include "readiness/attempts.h"

#include <algorithm>

namespace curfew::readiness {

void Attempts::Begin(Deadline now) {
  if (!first_) first_ = now;
  ends_ = now + limit_;
}

void Attempts::End(Deadline now) {
  next_ = now + std::clamp<Duration>((now - first_.value_or(now)) / 20, shortest_, longest_);
}

}  // namespace curfew::readiness
