// SPDX-License-Identifier: Apache-2.0
#include "keeper/leaves.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>

#include "containment/cgroup_home.h"
#include "containment/stale.h"
#include "process/switches.h"
#include "procfs/system_proc.h"
#include "report/encode.h"

namespace curfew::keeper {
namespace {

// For what a dead run has left: a server waits for it, and the next run tries again.
constexpr std::chrono::seconds kStaleDeadline{2};
// Each with a name of its own, for a sweep of stale leaves that was faster than our lock.
constexpr int kAttempts = 10;

}  // namespace

process::Result<containment::CgroupLeaf> Leaves::Make(std::uint32_t slot, containment::Level level) {
  using containment::CgroupLeaf;
  if (level == containment::Level::kBasic) return process::Failure{"CURFEW_CONTAINMENT=basic", 0};
  if (process::SwitchedOff("cgroup")) return process::Failure{"CURFEW_TEST_DISABLE=cgroup", 0};
  if (!cgroup_) {
    cgroup_ = containment::FindOwnCgroup();
    SweepStale();
  }
  if (!cgroup_->ok()) return cgroup_->failure();
  for (int attempt = 1;; ++attempt) {
    const auto name =
        std::string(CgroupLeaf::kPrefix) + run_ + '-' + std::to_string(slot) + '-' + std::to_string(++made_);
    auto leaf = CgroupLeaf::Make(**cgroup_, name);
    if (leaf.ok() || leaf.failure().error != EAGAIN || attempt == kAttempts) return leaf;
  }
}

void Leaves::SweepStale() {
  if (!cgroup_->ok()) return;
  for (auto& stale : containment::FindStaleLeaves(procfs::SystemProc(), **cgroup_)) {
    const auto survivors = containment::ReapStaleLeaf(procfs::SystemProc(), stale.leaf,
                                                std::chrono::steady_clock::now() + kStaleDeadline);
    journal_.Write({{"event", "stale_leaf"},
                    {"leaf", stale.leaf.name()},
                    {"processes", stale.processes},
                    {"survivors", survivors}});
  }
}

}  // namespace curfew::keeper
