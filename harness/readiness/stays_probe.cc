// SPDX-License-Identifier: Apache-2.0
#include "readiness/stays_probe.h"

#include <algorithm>
#include <utility>

namespace curfew::readiness {

Observation StaysProbe::Look(Deadline now) {
  Observation seen = probe_->Look(now);
  // While an exchange is under way, no answer is neither a yes nor a no.
  if (seen.satisfied || !probe_->Busy()) TakeVerdict(seen, now);
  return {.satisfied = satisfied_,
          .saw = seen.saw + Describe(),
          .taken = std::move(seen.taken),
          .hopeless = std::move(seen.hopeless)};
}

void StaysProbe::TakeVerdict(const Observation& seen, Deadline now) {
  if (!seen.satisfied) {
    if (since_) ++interruptions_;
    since_.reset();
    held_ = {};
    satisfied_ = false;
    return;
  }
  if (!since_) since_ = now;
  held_ = now - *since_;
  satisfied_ = held_ >= hold_;
}

std::optional<Deadline> StaysProbe::WantsLook() const {
  const std::optional<Deadline> inner = probe_->WantsLook();
  // While an exchange is under way only its end brings a verdict.
  if (!since_ || satisfied_ || probe_->Busy()) return inner;
  return std::min(inner.value_or(*since_ + hold_), *since_ + hold_);
}

std::string StaysProbe::Describe() const {
  std::string text = since_ ? "; holds for " + process::Describe(held_) + " of " + process::Describe(hold_)
                            : "; has to hold for " + process::Describe(hold_);
  if (interruptions_ > 0) text += ", was interrupted " + std::to_string(interruptions_) + " times";
  return text;
}

void StaysProbe::AppendSeen(std::vector<Observation>& seen) const {
  const std::size_t first = seen.size();
  probe_->AppendSeen(seen);
  for (std::size_t i = first; i < seen.size(); ++i) {
    // How long it has held changes with every look; that it does, or how often it has not, does not.
    if (seen[i].state.empty()) seen[i].state = seen[i].saw;
    seen[i].state += since_ ? " holds" : "";
    seen[i].state += std::to_string(interruptions_);
    seen[i].satisfied = seen[i].satisfied && satisfied_;
    seen[i].saw += Describe();
  }
}

}  // namespace curfew::readiness
