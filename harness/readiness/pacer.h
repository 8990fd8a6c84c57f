// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curfew/duration.h>

namespace curfew::readiness {

// When to look next: the rule by which a wait is both quick and cheap. Only arithmetic; time comes from
// outside.
//
// The pause grows with the time waited, 2.5 % of it between 0.1 and 20 ms, so that the delay stays in
// proportion. Output of the server is a sign that something happens: a look at once, then each 0.1 ms for 2
// ms, since servers print a little before or after they listen. Looks of that kind are paid from an allowance
// that refills by one each 2 ms, so that a server which floods its log makes nobody spin: 500 looks a second
// are half a percent of a core. A call of listen(2) that is told takes effect when its caller has run again: a look at
// once, then each 0.05 ms for 2 ms, then each 1 ms up to 50 ms. Never look after look without a pause: that keeps the
// caller from the processor it was on, and its listen(2) took twice as long.
class Pacer {
 public:
  explicit Pacer(Deadline start);

  // There has been output, or another sign of life.
  void OutputSeen(Deadline now);
  // The server is about to listen.
  void ListenCalled(Deadline now);
  // A look has been taken. `rarely`: what it waits for will be told, so that the next look is a second chance only.
  void Looked(Deadline now, bool rarely = false);
  // When the next one is due. In the past: now.
  [[nodiscard]] Deadline NextLook() const { return next_; }
  // Output is not to be listened to: it has been heard already, and the look for it waits for its turn.
  [[nodiscard]] bool output_heard() const { return output_heard_; }

 private:
  void Refill(Deadline now);
  [[nodiscard]] Deadline RegularLook() const;

  Deadline start_;
  Deadline last_look_;
  Deadline next_;
  Deadline fresh_until_;
  Deadline rapid_until_;
  Deadline brisk_until_;
  bool rarely_ = false;
  Duration allowance_;  // in time: each look takes what it takes to refill it
  Deadline refilled_;
  bool output_heard_ = false;
};

}  // namespace curfew::readiness
