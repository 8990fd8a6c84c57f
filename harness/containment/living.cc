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
    if (seen.empty() && pass > 0) return false;
    before = std::move(seen);
  }
  return false;
}

}  // namespace curfew::containment
