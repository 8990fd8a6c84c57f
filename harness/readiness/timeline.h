// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include <curfew/duration.h>

#include "readiness/probe.h"

namespace curfew::readiness {

// What the probes of one start saw, by time: the first of each, every change, and so what was last. However long the
// wait and whatever the server does, it holds so many lines and no more: the first ones and the latest.
class Timeline {
 public:
  // What every part sees now. Only what differs from the time before is kept.
  void Add(Duration since_start, const std::vector<Observation>& seen);

  // "12 ms  port 8080: nobody listens", in order; a line in the middle tells how many are left out.
  [[nodiscard]] std::vector<std::string> Lines() const;

 private:
  static constexpr std::size_t kFirst = 8;
  static constexpr std::size_t kLatest = 8;

  struct Entry {
    Duration at;
    std::string saw;
  };

  std::vector<std::string> states_;  // of each part, at the last look
  std::vector<Entry> first_;
  std::deque<Entry> latest_;
  std::size_t left_out_ = 0;
};

}  // namespace curfew::readiness
