// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// Another probe holds each time it is asked, for a while and without a "no" in between. That probe must not remember:
// its groups ask each time.
class StaysProbe final : public Probe {
 public:
  StaysProbe(std::unique_ptr<Probe> probe, Duration hold) : probe_(std::move(probe)), hold_(hold) {}

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override { probe_->AddDescriptors(descriptors); }
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return probe_->Busy(); }
  void Attend() override { probe_->Attend(); }
  [[nodiscard]] std::optional<Deadline> Extension() const override { return probe_->Extension(); }
  [[nodiscard]] std::optional<std::string> Stranger() override { return probe_->Stranger(); }
  void AppendSeen(std::vector<Observation>& seen) const override;

 private:
  void TakeVerdict(const Observation& seen, Deadline now);
  // ", held for 300 ms of 2 s, interrupted 2 times".
  [[nodiscard]] std::string Describe() const;

  std::unique_ptr<Probe> probe_;
  Duration hold_;
  std::optional<Deadline> since_;  // it has held without interruption
  Duration held_{};
  int interruptions_ = 0;
  bool satisfied_ = false;
};

}  // namespace curfew::readiness
