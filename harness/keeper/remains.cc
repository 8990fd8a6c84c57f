// SPDX-License-Identifier: Apache-2.0
#include "keeper/remains.h"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "containment/kill_sweep.h"
#include "containment/living.h"

namespace curfew::keeper {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kReapDeadline = 10s;
// From a warden's last word to its end is an exit of a small process.
constexpr auto kCollectTime = 2s;

bool AnythingLeft(const containment::TreeFinder& finder, const Collect& collect) {
  collect();
  return containment::AnythingLives(finder);
}

}  // namespace

std::vector<Survivor> ReapTree(containment::TreeFinder& finder, const containment::CgroupLeaf* leaf,
                               const Collect& collect) {
  std::vector<const containment::Enclosure*> enclosures;
  if (leaf != nullptr) {
    finder.AddLeaf(*leaf);
    enclosures.push_back(leaf);
  }
  const auto left = [&] { return AnythingLeft(finder, collect); };
  containment::KillSweep sweep(finder, nullptr, left, enclosures);
  auto survivors = sweep.Run(Clock::now() + kReapDeadline);
  if (leaf != nullptr) leaf->Remove();
  return survivors;
}

std::vector<ProcessInfo> ReapStrays(const containment::TreeFinder& finder, const Collect& collect) {
  const auto left = [&] { return AnythingLeft(finder, collect); };
  if (!left()) return {};
  std::vector<ProcessInfo> strays;
  for (const auto& member : finder.Find()) {
    if (auto info = finder.proc().Describe(member.pid); info && !member.zombie()) strays.push_back(std::move(*info));
  }
  containment::KillSweep sweep(finder, nullptr, left);
  static_cast<void>(sweep.Run(Clock::now() + kReapDeadline));
  return strays;
}

void CollectRest(const Collect& collect) {
  const auto until = Clock::now() + kCollectTime;
  for (timespec pause{0, 100'000}; Clock::now() < until; ::ppoll(nullptr, 0, &pause, nullptr)) {
    collect();
    if (::waitpid(-1, nullptr, WNOHANG | __WALL) < 0 && errno == ECHILD) return;
  }
}

}  // namespace curfew::keeper
