// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <curfew/duration.h>

namespace curfew::readiness {

// When a probe that has to do something to its server may do it: one attempt at a time, each with an end, and between
// two of them a pause in proportion to the time waited (5 % of it, within bounds), whatever else happens: a server
// that logs every request would else be asked because it logged that it was asked. Only arithmetic.
class Attempts {
 public:
  // `limit` for one attempt; the pause after it is at least `shortest` and at most `longest`.
  Attempts(Duration limit, Duration shortest, Duration longest)
      : limit_(limit), shortest_(shortest), longest_(longest) {}

  [[nodiscard]] bool Due(Deadline now) const { return !next_ || now >= *next_; }
  void Begin(Deadline now);
  // An attempt is over: the pause begins.
  void End(Deadline now);
  // There is nobody to ask: the next attempt is due as soon as there is.
  void Reset() { next_.reset(); }

  [[nodiscard]] Duration limit() const { return limit_; }
  // When the attempt under way has to be given up.
  [[nodiscard]] Deadline ends() const { return ends_; }
  // When the next one may begin; nothing if there has been none.
  [[nodiscard]] const std::optional<Deadline>& next() const { return next_; }

 private:
  Duration limit_;
  Duration shortest_;
  Duration longest_;
  Deadline ends_;
  std::optional<Deadline> first_;
  std::optional<Deadline> next_;
};

}  // namespace curfew::readiness
