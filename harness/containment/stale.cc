// SPDX-License-Identifier: Apache-2.0
#include "containment/stale.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include "containment/cgroup_home.h"
#include "containment/kill_sweep.h"
#include "containment/living.h"

namespace curfew::containment {

namespace fs = std::filesystem;

std::vector<StaleLeaf> FindStaleLeaves(const procfs::Proc& proc, const fs::path& directory, bool deep) {
  std::vector<StaleLeaf> stale;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) continue;
    const fs::path& path = entry->path();
    std::string run = RunOfLeaf(path.filename().native());
    if (!deep || !run.empty()) entry.disable_recursion_pending();
    if (run.empty()) continue;
    auto leaf = CgroupLeaf::TakeStale(path);
    if (!leaf.ok()) continue;  // a live run's, another user's, or gone
    if (leaf->Has(proc, ::getpid())) continue;  // we were begun by what is left there, and would end ourselves
    std::vector<ProcessInfo> processes;
    for (const pid_t pid : leaf->Members()) {
      auto info = proc.Describe(pid);
      if (info && !info->zombie()) processes.push_back(std::move(*info));
    }
    stale.push_back({path, std::move(run), std::move(*leaf), std::move(processes)});
  }
  return stale;
}

std::vector<Survivor> ReapStaleLeaf(const procfs::Proc& proc, const CgroupLeaf& leaf, Deadline deadline) {
  TreeFinder finder(proc, 0, std::nullopt);
  finder.AddLeaf(leaf);
  // Nobody there is a child of ours: init collects them.
  KillSweep sweep(finder, nullptr, [] { return false; }, {&leaf});
  auto survivors = sweep.Run(deadline);
  leaf.Remove();
  return survivors;
}

Abandoned ReapStaleLeavesOf(const procfs::Proc& proc, const std::string& run, Deadline deadline) {
  Abandoned abandoned;
  const auto home = FindOwnCgroup();
  if (!home.ok()) return abandoned;
  for (auto& stale : FindStaleLeaves(proc, *home)) {
    if (stale.run != run) continue;
    std::ranges::move(stale.processes, std::back_inserter(abandoned.processes));
    std::ranges::move(ReapStaleLeaf(proc, stale.leaf, deadline), std::back_inserter(abandoned.survivors));
  }
  return abandoned;
}

Abandoned ReapAbandoned(const procfs::Proc& proc, const std::string& run, std::optional<process::Tag> tag,
                        Deadline deadline) {
  auto abandoned = ReapStaleLeavesOf(proc, run, deadline);
  const TreeFinder finder(proc, 0, tag);
  // Orphans by now: init collects them, and until it does they count for nothing.
  const auto living = [&] {
    auto members = finder.Tagged();
    std::erase_if(members, [&](pid_t pid) {
      const auto stat = proc.ReadStat(pid);
      return !stat || stat->zombie();
    });
    return members;
  };
  for (const pid_t pid : living()) {
    if (auto info = proc.Describe(pid)) abandoned.processes.push_back(std::move(*info));
  }
  std::ranges::move(KillSweep(finder, nullptr, [&] { return AnythingLives(finder); }).Run(deadline),
                    std::back_inserter(abandoned.survivors));
  return abandoned;
}

}  // namespace curfew::containment
