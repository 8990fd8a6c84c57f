// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// Several probes as one: satisfied when all parts have been, or one. A part that has held once is not asked
// again.
class GroupProbe final : public Probe {
 public:
  enum class Needs { kAll, kAny };

  GroupProbe(Needs needs, std::vector<std::unique_ptr<Probe>> parts);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override;
  [[nodiscard]] bool OnlyListeningMatters() const override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  void AppendSeen(std::vector<Observation>& seen) const override;

 private:
  struct Part {
    std::unique_ptr<Probe> probe;
    bool held = false;
  };

  Needs needs_;
  std::vector<Part> parts_;
};

}  // namespace curfew::readiness
