// SPDX-License-Identifier: Apache-2.0
#include "containment/stop_routine.h"

#include <signal.h>

#include <algorithm>
#include <set>
#include <utility>

#include "containment/escape.h"
#include "containment/kill_sweep.h"
#include "containment/tree_signal.h"
#include "process/mark.h"
#include "procfs/net.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Ending what was killed is the kernel's work: 80-190 us a process. Past this it is stuck, and is reported.
constexpr auto kKillDeadline = 10s;

}  // namespace

StopRoutine::StopRoutine(const TreeFinder& finder, const process::Pidfd& leader, Reaper& reaper, StopPolicy policy,
                         bool daemonizes, std::vector<const Enclosure*> enclosures)
    : finder_(finder),
      leader_(leader),
      reaper_(reaper),
      policy_(std::move(policy)),
      enclosures_(std::move(enclosures)),
      began_(Clock::now()) {
  reaper_.Collect();
  reaper_.ForgetStatuses();
  TakeSnapshot(daemonizes);
}

bool StopRoutine::IsOrphan(const ProcessInfo& process) const {
  // The warden, or the init of a sealed tree, is the parent of whoever lost its own.
  if (!finder_.Adopts(process.parent) || process.pid == leader_.pid()) return false;
  if (IsNestedKeeper(finder_.proc(), process.pid, finder_.tag())) return false;
  // Children of a leader that has ended before the stop have lost their parent by that alone; only one that had
  // left the leader's group as well had meant to stay.
  return !reaper_.leader_status() || process.group != leader_.pid();
}

bool StopRoutine::AnythingLeft() {
  return reaper_.Collect() ||
         std::ranges::any_of(enclosures_, [](const Enclosure* enclosure) { return enclosure->Populated(); });
}

void StopRoutine::TakeSnapshot(bool daemonizes) {
  if (reaper_.nothing_left()) return;
  std::vector<ProcessInfo> orphans;
  snapshot_ = finder_.Find();
  for (const auto& member : *snapshot_) {
    if (member.zombie()) continue;
    auto info = finder_.proc().Describe(member.pid);
    if (!info) continue;
    if (!daemonizes && IsOrphan(*info)) orphans.push_back(*info);
    result_.processes.push_back({std::move(*info), 0, std::nullopt});
  }
  procfs::FillPorts(finder_.proc(), orphans);
  for (auto& orphan : orphans) {
    Leak leak;
    leak.escapes = DescribeEscape(orphan, true, leader_.pid(), leader_.pid());
    leak.evidence.emplace_back("lineage");
    if (finder_.tag() && process::ReadTag(finder_.proc(), orphan.pid) == finder_.tag())
      leak.evidence.emplace_back("tag");
    if (finder_.proc().FindInEnviron(orphan.pid, process::kMarkVariable)) leak.evidence.emplace_back("mark");
    if (finder_.InLeaf(orphan.pid)) leak.evidence.emplace_back("cgroup");
    leak.process = std::move(orphan);
    result_.orphans.push_back(std::move(leak));
  }
}

void StopRoutine::MarkLiving(const std::vector<procfs::Stat>& living, int signal) {
  for (auto& stopped : result_.processes) {
    for (const auto& stat : living) {
      if (stat.pid == stopped.process.pid && stat.start_ticks == stopped.process.start_ticks && !stat.zombie()) {
        stopped.needed = signal;
      }
    }
  }
}

void StopRoutine::AddLatecomers(const std::vector<procfs::Stat>& living) {
  std::set<std::pair<pid_t, std::uint64_t>> told;
  for (const auto& stopped : result_.processes) told.emplace(stopped.process.pid, stopped.process.start_ticks);
  for (const auto& stat : living) {
    if (stat.zombie() || told.contains({stat.pid, stat.start_ticks})) continue;
    if (auto info = finder_.proc().Describe(stat.pid)) {
      result_.processes.push_back({std::move(*info), SIGKILL, std::nullopt});
    }
  }
}

std::optional<Deadline> StopRoutine::NextStep() {
  if (next_ == policy_.steps.size() || !reaper_.Collect()) return std::nullopt;
  const StopStep& step = policy_.steps[next_++];
  auto snapshot = std::exchange(snapshot_, std::nullopt);
  TreeSignal send(finder_, &leader_);
  if (step.to == StopStep::To::kLeader && !reaper_.leader_status()) {
    for (auto& stopped : result_.processes) {
      if (stopped.process.pid == leader_.pid()) stopped.needed = step.signal;
    }
    static_cast<void>(leader_.Signal(step.signal));
    static_cast<void>(leader_.Signal(SIGCONT));
  } else {
    // The first step follows the snapshot at once; a second pass would see the same and double the cost of a stop.
    const auto living = snapshot ? *std::move(snapshot) : finder_.Find();
    MarkLiving(living, step.signal);
    send.Send(living, step.signal);
    // Not to be skipped for the processes that are not stopped now: they may be, by their own parents.
    send.Send(living, SIGCONT);
  }
  return Clock::now() + step.grace;
}

StopResult StopRoutine::Finish() {
  if (AnythingLeft()) {
    const auto living = finder_.FindThoroughly();
    MarkLiving(living, SIGKILL);
    AddLatecomers(living);
    KillSweep sweep(finder_, &leader_, [this] { return reaper_.Collect(); }, enclosures_);
    result_.survivors = sweep.Run(Clock::now() + kKillDeadline);
    // wait(2) and the cgroup know better than /proc: a listing that hides processes must not pass for an empty tree.
    if (result_.survivors.empty() && AnythingLeft()) {
      Survivor unseen;
      unseen.process.pid = leader_.pid();
      unseen.reason = "processes are left that /proc does not show (hidepid, or no descriptor to read it)";
      result_.survivors.push_back(std::move(unseen));
    }
  }
  result_.leader = reaper_.leader_status();
  for (auto& stopped : result_.processes) {
    const auto status = reaper_.statuses().find(stopped.process.pid);
    if (status != reaper_.statuses().end()) stopped.status = status->second;
  }
  for (auto& orphan : result_.orphans) {
    orphan.reaped = true;
    for (const auto& survivor : result_.survivors) {
      if (survivor.process.pid != orphan.process.pid) continue;
      orphan.reaped = false;
      orphan.why_alive = survivor.reason;
    }
  }
  result_.took = Clock::now() - began_;
  return std::move(result_);
}

}  // namespace curfew::containment
