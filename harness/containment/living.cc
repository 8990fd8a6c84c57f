// SPDX-License-Identifier: Apache-2.0
#include "containment/living.h"

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <set>

namespace curfew::containment {
namespace {

constexpr int kPasses = 3;
constexpr timespec kBetween{.tv_sec = 0, .tv_nsec = 500'000};
constexpr int kLooks = 8;
constexpr int kNewest = 32;

// Whether one of the tree is among the newest processes there are: asked of each within microseconds, not after a
// listing.
bool NewestLive(const TreeFinder& finder) {
  for (int look = 0; look < kLooks; ++look) {
    for (const pid_t pid : finder.proc().NewestPids(kNewest)) {
      if (!finder.Contains(pid)) continue;
      const auto stat = finder.proc().ReadStat(pid);
      if (stat && !stat->zombie()) return true;
    }
  }
  return false;
}

}  // namespace

bool AnythingLives(const TreeFinder& finder) {
  std::set<pid_t> before;
  for (int pass = 0; pass < kPasses; ++pass) {
    if (pass > 0) ::ppoll(nullptr, 0, &kBetween, nullptr);
    std::set<pid_t> seen;
    for (const auto& member : finder.FindThoroughly()) {
      if (!member.zombie()) return true;
      seen.insert(member.pid);
    }
    if (pass > 0 && !std::ranges::includes(before, seen)) return true;
    if (seen.empty() && pass > 0) break;
    before = std::move(seen);
  }
  return NewestLive(finder);
}

}  // namespace curfew::containment
