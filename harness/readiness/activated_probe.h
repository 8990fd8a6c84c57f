// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// The server was given its sockets: there is nothing to wait for.
class ActivatedProbe final : public Probe {
 public:
  [[nodiscard]] Observation Look(Deadline) override { return Seen(); }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(Seen()); }

 private:
  static Observation Seen() {
    Observation seen;
    seen.satisfied = true;
    seen.saw = "activated: its sockets were open before it began";
    return seen;
  }
};

}  // namespace curfew::readiness
