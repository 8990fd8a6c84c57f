// SPDX-License-Identifier: Apache-2.0
#include "readiness/group_probe.h"

#include <algorithm>
#include <string>
#include <utility>

namespace curfew::readiness {

GroupProbe::GroupProbe(Needs needs, std::vector<std::unique_ptr<Probe>> parts) : needs_(needs) {
  for (std::unique_ptr<Probe>& part : parts) parts_.push_back({.probe = std::move(part), .held = false});
}

Observation GroupProbe::Look(Deadline now) {
  Observation whole;
  std::size_t held = 0;
  for (Part& part : parts_) {
    if (!part.held) {
      Observation seen = part.probe->Look(now);
      part.held = seen.satisfied;
      if (!whole.taken) whole.taken = std::move(seen.taken);
    }
    if (part.held) ++held;
  }
  whole.satisfied = needs_ == Needs::kAll ? held == parts_.size() : held > 0;
  whole.saw = std::to_string(held) + " of " + std::to_string(parts_.size()) + " parts hold";
  // What one part lacks does not matter once another is enough.
  if (whole.satisfied) whole.taken.reset();
  return whole;
}

void GroupProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  for (const Part& part : parts_) {
    if (!part.held) part.probe->AddDescriptors(descriptors);
  }
}

std::optional<Deadline> GroupProbe::WantsLook() const {
  std::optional<Deadline> earliest;
  for (const Part& part : parts_) {
    if (part.held) continue;
    const std::optional<Deadline> wanted = part.probe->WantsLook();
    if (wanted && (!earliest || *wanted < *earliest)) earliest = wanted;
  }
  return earliest;
}

bool GroupProbe::Busy() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return !part.held && part.probe->Busy(); });
}

bool GroupProbe::OnlyListeningMatters() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.held || part.probe->OnlyListeningMatters(); });
}

std::optional<std::string> GroupProbe::Stranger() {
  for (const Part& part : parts_) {
    if (std::optional<std::string> stranger = part.probe->Stranger()) return stranger;
  }
  return std::nullopt;
}

void GroupProbe::AppendSeen(std::vector<Observation>& seen) const {
  for (const Part& part : parts_) part.probe->AppendSeen(seen);
}

}  // namespace curfew::readiness
