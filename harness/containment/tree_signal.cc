// SPDX-License-Identifier: Apache-2.0
#include "containment/tree_signal.h"

#include <cerrno>

#include "process/switches.h"

namespace curfew::containment {

using process::Pidfd;

std::map<pid_t, int> TreeSignal::Send(const std::vector<procfs::Stat>& members, int signal) {
  std::map<pid_t, bool> group_done;
  std::map<pid_t, int> refused;
  for (const auto& member : members) {
    if (member.zombie()) continue;
    auto [group, first_time] = group_done.try_emplace(member.pgrp, false);
    if (first_time) group->second = SendToGroup(member.pgrp, signal);
    if (group->second) continue;
    const int error = SendTo(member.pid, signal);
    if (error != 0 && error != ESRCH) refused[member.pid] = error;
  }
  return refused;
}

int TreeSignal::SendTo(pid_t pid, int signal) {
  auto pidfd = Pidfd::Open(pid);
  if (!pidfd.ok()) return pidfd.failure().error;
  // Asked after pinning: before it, the answer could have been about a predecessor of the number.
  if (!finder_.Contains(pid)) return ESRCH;
  return pidfd->Signal(signal);
}

bool TreeSignal::SendToGroup(pid_t group, int signal) {
  if (process::SwitchedOff("group")) return false;
  if (leader_ != nullptr && leader_->valid() && leader_->pid() == group) {
    return leader_->SignalGroup(signal) == 0;
  }
  auto pidfd = Pidfd::Open(group);
  if (!pidfd.ok() || !finder_.Contains(group)) return false;
  // EPERM means that not one member could be signalled; some may be left out though when others were. What
  // is left is found again by the sweep.
  return pidfd->SignalGroup(signal) == 0;
}

}  // namespace curfew::containment
