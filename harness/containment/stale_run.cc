// SPDX-License-Identifier: Apache-2.0
#include "containment/stale_run.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "containment/cgroup_home.h"
#include "containment/kill_sweep.h"
#include "procfs/text.h"

namespace curfew::containment {
namespace {

using process::ReadTag;
using process::Tag;

constexpr int kMaxDepth = 4096;

struct Seen {
  bool alive = false;  // somebody who answers for the run, or may
  std::vector<pid_t> pids;
  std::set<Tag> tags;
};
using Runs = std::map<std::string, Seen>;

bool Answers(const procfs::Proc& proc, const procfs::Stat& stat, Tag tag) {
  // A helper that could not take its own slot has that of the test program, and a mark.
  if (tag.slot() == Tag::kCurfew || stat.comm.starts_with("curfew-")) return true;
  if (tag.slot() != Tag::kTestProgram) return false;
  const auto mark = proc.FindInEnviron(stat.pid, "CURFEW_MARK");
  return !mark || !mark->starts_with(tag.RunId() + '/');
}

Runs Look(const procfs::Proc& proc) {
  Runs runs;
  for (const pid_t pid : proc.Pids()) {
    const auto tag = ReadTag(proc, pid);
    const auto stat = tag ? proc.ReadStat(pid) : std::nullopt;
    if (!stat || stat->zombie()) continue;
    auto& run = runs[tag->RunId()];
    run.alive = run.alive || Answers(proc, *stat, *tag);
    run.pids.push_back(pid);
    run.tags.insert(*tag);
  }
  return runs;
}

// The runs we were begun by ourselves.
std::set<std::string> OwnRuns(const procfs::Proc& proc) {
  std::set<std::string> own;
  pid_t pid = ::getpid();
  for (int depth = 0; depth < kMaxDepth && pid > 0; ++depth) {
    if (const auto tag = ReadTag(proc, pid)) own.insert(tag->RunId());
    const auto stat = proc.ReadStat(pid);
    if (!stat) break;
    pid = stat->ppid;
  }
  return own;
}

bool SeesEverybody(const procfs::Proc& proc) { return proc.ReadStat(1) && !ReadTag(proc, 1); }

void AddByTag(const procfs::Proc& proc, std::map<std::string, StaleRun>& stale) {
  if (!SeesEverybody(proc)) return;
  const auto own = OwnRuns(proc);
  const auto before = Look(proc);
  for (auto& [id, seen] : Look(proc)) {
    const auto earlier = before.find(id);
    if (seen.alive || own.contains(id) || earlier == before.end() || earlier->second.alive) continue;
    auto& run = stale[id];
    run.run = id;
    run.tags = std::move(seen.tags);
    for (const pid_t pid : seen.pids) {
      const bool known = std::ranges::any_of(run.processes, [pid](const ProcessInfo& p) { return p.pid == pid; });
      auto info = known ? std::nullopt : proc.Describe(pid);
      if (info && !info->zombie()) run.processes.push_back(std::move(*info));
    }
  }
}

}  // namespace

std::vector<StaleRun> FindStaleRuns(const procfs::Proc& proc) {
  std::map<std::string, StaleRun> stale;
  for (const auto& mount : CgroupMountPoints()) {
    for (auto& leaf : FindStaleLeaves(proc, mount, true)) {
      auto& run = stale[leaf.run];
      run.run = leaf.run;
      run.processes.insert(run.processes.end(), leaf.processes.begin(), leaf.processes.end());
      run.leaves.push_back(std::move(leaf));
    }
  }
  AddByTag(proc, stale);
  std::vector<StaleRun> runs;
  for (auto& [id, run] : stale) runs.push_back(std::move(run));
  return runs;
}

std::vector<Survivor> ReapStaleRun(const procfs::Proc& proc, const StaleRun& run, Deadline deadline) {
  std::vector<Survivor> survivors;
  for (const auto& stale : run.leaves) {
    auto left = ReapStaleLeaf(proc, stale.leaf, deadline);
    std::move(left.begin(), left.end(), std::back_inserter(survivors));
  }
  for (const auto& tag : run.tags) {
    const TreeFinder finder(proc, 0, tag);
    const auto alive = [&finder] {
      return std::ranges::any_of(finder.Find(), [](const procfs::Stat& stat) { return !stat.zombie(); });
    };
    KillSweep sweep(finder, nullptr, alive);
    for (auto& left : sweep.Run(deadline)) {
      const auto same = [&left](const Survivor& s) { return s.process.pid == left.process.pid; };
      if (std::ranges::none_of(survivors, same)) survivors.push_back(std::move(left));
    }
  }
  return survivors;
}

}  // namespace curfew::containment
