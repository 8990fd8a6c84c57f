// SPDX-License-Identifier: Apache-2.0
#include "readiness/group_probe.h"

#include <algorithm>
#include <string>
#include <utility>

namespace curfew::readiness {

GroupProbe::GroupProbe(Needs needs, std::vector<std::unique_ptr<Probe>> parts, Asks asks)
    : needs_(needs), asks_(asks) {
  for (std::unique_ptr<Probe>& part : parts) parts_.push_back({.probe = std::move(part), .held = false});
}

Observation GroupProbe::Look(Deadline now) {
  Observation whole;
  std::size_t held = 0;
  std::size_t hopeless = 0;
  for (Part& part : parts_) {
    if (Done(part)) {
      part.probe->Attend();
    } else {
      Observation seen = part.probe->Look(now);
      // While an exchange is under way, what the one before it showed still counts.
      if (seen.satisfied || !part.probe->Busy()) part.held = seen.satisfied;
      if (!whole.taken) whole.taken = std::move(seen.taken);
      if (seen.hopeless) ++hopeless;
      if (seen.hopeless && !whole.hopeless) whole.hopeless = std::move(seen.hopeless);
    }
    if (part.held) ++held;
  }
  whole.satisfied = needs_ == Needs::kAll ? held == parts_.size() : held > 0;
  whole.saw = std::to_string(held) + " of " + std::to_string(parts_.size()) + " parts hold";
  // What one part lacks does not matter once another is enough; nor does its despair while another may still hold.
  if (whole.satisfied) whole.taken.reset();
  if (whole.satisfied || (needs_ == Needs::kAny && hopeless < parts_.size())) whole.hopeless.reset();
  return whole;
}

void GroupProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  for (const Part& part : parts_) {
    if (!Done(part)) part.probe->AddDescriptors(descriptors);
  }
}

std::optional<Deadline> GroupProbe::WantsLook() const {
  std::optional<Deadline> earliest;
  for (const Part& part : parts_) {
    if (Done(part)) continue;
    const std::optional<Deadline> wanted = part.probe->WantsLook();
    if (wanted && (!earliest || *wanted < *earliest)) earliest = wanted;
  }
  return earliest;
}

bool GroupProbe::Busy() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [this](const Part& part) { return !Done(part) && part.probe->Busy(); });
}

void GroupProbe::Attend() {
  for (const Part& part : parts_) part.probe->Attend();
}

void GroupProbe::ListenComes() {
  for (const Part& part : parts_) {
    if (!Done(part)) part.probe->ListenComes();
  }
}

std::optional<Deadline> GroupProbe::Extension() const {
  std::optional<Deadline> latest;
  for (const Part& part : parts_) latest = std::max(latest, part.probe->Extension());
  return latest;
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
