// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// Several probes as one: satisfied when all parts have been, or one. A part that has held once is not asked
// again, unless it is to be asked each time: then what it said last counts.
class GroupProbe final : public Probe {
 public:
  enum class Needs { kAll, kAny };

  enum class Asks { kUntilHeld, kEachTime };

  GroupProbe(Needs needs, std::vector<std::unique_ptr<Probe>> parts, Asks asks = Asks::kUntilHeld);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override;
  [[nodiscard]] bool OnlyListeningMatters() const override;
  void Attend() override;
  void ListenComes() override;
  [[nodiscard]] std::optional<Deadline> Extension() const override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  void AppendSeen(std::vector<Observation>& seen) const override;

 private:
  struct Part {
    std::unique_ptr<Probe> probe;
    bool held = false;
  };
  // Nothing more is wanted of the part.
  [[nodiscard]] bool Done(const Part& part) const { return part.held && asks_ == Asks::kUntilHeld; }

  Needs needs_;
  Asks asks_;
  std::vector<Part> parts_;
};

}  // namespace curfew::readiness
