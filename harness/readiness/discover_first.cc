// SPDX-License-Identifier: Apache-2.0
#include "readiness/discover_first.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "readiness/notify_probes.h"

namespace curfew::readiness {
namespace {

// To see whether the ports are there still takes as long as to discover them.
constexpr Duration kBetweenChecks = std::chrono::milliseconds(20);

}  // namespace

DiscoverFirst::DiscoverFirst(std::unique_ptr<DiscoverProbe> discover, MakeNext make_next, const Subject& subject)
    : discover_(std::move(discover)), make_next_(std::move(make_next)) {
  if (subject.notify_socket != nullptr) beside_.push_back(std::make_unique<NotifyProbe>(subject));
  if (subject.notify_pipe != nullptr) beside_.push_back(std::make_unique<NotifyFdProbe>(subject));
}

Observation DiscoverFirst::Look(Deadline now) {
  if (!next_) return DiscoverAndLook(now);
  Observation seen = next_->Look(now);
  const bool verdict = seen.satisfied || seen.taken;
  if (!verdict && now < checked_ + kBetweenChecks) return seen;
  checked_ = now;
  if (discover_->StillThere()) return seen;
  next_.reset();
  return DiscoverAndLook(now);
}

Observation DiscoverFirst::DiscoverAndLook(Deadline now) {
  for (const auto& probe : beside_) probe->Attend();
  Observation discovered = discover_->Look(now);
  if (!discovered.satisfied) return discovered;
  checked_ = now;
  next_ = make_next_(discover_->found());
  return next_->Look(now);
}

void DiscoverFirst::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (next_) return next_->AddDescriptors(descriptors);
  for (const auto& probe : beside_) probe->AddDescriptors(descriptors);
}

std::optional<Deadline> DiscoverFirst::WantsLook() const { return next_ ? next_->WantsLook() : std::nullopt; }

void DiscoverFirst::ListenComes() {
  if (next_) next_->ListenComes();
}

std::optional<Deadline> DiscoverFirst::Extension() const {
  std::optional<Deadline> latest = next_ ? next_->Extension() : std::nullopt;
  for (const auto& probe : beside_) latest = std::max(latest, probe->Extension());
  return latest;
}

std::optional<std::string> DiscoverFirst::Stranger() { return next_ ? next_->Stranger() : std::nullopt; }

void DiscoverFirst::AppendSeen(std::vector<Observation>& seen) const {
  if (next_) return next_->AppendSeen(seen);
  discover_->AppendSeen(seen);
  for (const auto& probe : beside_) probe->AppendSeen(seen);
}

}  // namespace curfew::readiness
