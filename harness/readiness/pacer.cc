// SPDX-License-Identifier: Apache-2.0
#include "readiness/pacer.h"

#include <algorithm>

namespace curfew::readiness {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kShortest = microseconds(100);
constexpr Duration kLongest = milliseconds(20);
constexpr int kPartOfWait = 40;
constexpr Duration kRare = milliseconds(50);
constexpr Duration kRapid = microseconds(50);
constexpr Duration kFresh = milliseconds(2);
// A loaded machine may take this long to let the caller go on.
constexpr Duration kAftermath = milliseconds(50);
constexpr Duration kBrisk = milliseconds(1);
constexpr Duration kPerLook = milliseconds(2);
constexpr Duration kAllowance = 40 * kPerLook;
// The second half of the allowance is kept for looks at output itself, not for those that follow it.
constexpr Duration kReserve = kAllowance / 2;

}  // namespace

Pacer::Pacer(Deadline start)
    : start_(start),
      last_look_(start),
      next_(start),
      fresh_until_(start + kFresh),
      rapid_until_(start),
      brisk_until_(start),
      allowance_(kAllowance),
      refilled_(start) {}

void Pacer::Refill(Deadline now) {
  allowance_ = std::min(kAllowance, allowance_ + (now - refilled_));
  refilled_ = now;
}

Deadline Pacer::RegularLook() const {
  if (rarely_) return last_look_ + kRare;
  return last_look_ + std::clamp<Duration>((last_look_ - start_) / kPartOfWait, kShortest, kLongest);
}

void Pacer::OutputSeen(Deadline now) {
  Refill(now);
  fresh_until_ = now + kFresh;
  output_heard_ = true;
  const Duration missing = std::max(Duration::zero(), kPerLook - allowance_);
  next_ = std::min(next_, std::max(last_look_ + kShortest, now + missing));
}

void Pacer::ListenCalled(Deadline now) {
  rapid_until_ = now + kFresh;
  brisk_until_ = now + kAftermath;
  next_ = now;
}

void Pacer::Looked(Deadline now, bool rarely) {
  Refill(now);
  if (now < RegularLook()) allowance_ = std::max(Duration::zero(), allowance_ - kPerLook);
  last_look_ = now;
  rarely_ = rarely;
  output_heard_ = false;
  next_ = RegularLook();
  if (now < rapid_until_) next_ = std::min(next_, now + kRapid);
  if (now < brisk_until_) next_ = std::min(next_, now + kBrisk);
  if (!rarely && now < fresh_until_ && allowance_ > kReserve) next_ = std::min(next_, now + kShortest);
}

}  // namespace curfew::readiness
