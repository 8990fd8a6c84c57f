// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "containment/tree_finder.h"
#include "process/pidfd.h"

namespace curfew::containment {

// Sends one signal to processes of one tree, and to nobody else.
//
// Every signal goes through a pidfd that was opened first and then checked to be of the tree: a number is never
// signalled, so a reused one cannot be hit. Whole groups are signalled through the pidfd of their leader
// (Linux 6.9), which is atomic against fork; where that is not to be had, member by member.
class TreeSignal {
 public:
  // `leader` is the launched process; its group can be signalled even after it is gone.
  TreeSignal(const TreeFinder& finder, const process::Pidfd* leader) : finder_(finder), leader_(leader) {}

  // Each process of `members` gets the signal once, group by group. Returns errno by pid of those that could
  // not be signalled though they are there (EPERM).
  std::map<pid_t, int> Send(const std::vector<procfs::Stat>& members, int signal);
  // One process, pinned and checked. 0, ESRCH if it is gone or no longer of the tree, or EPERM.
  int SendTo(pid_t pid, int signal);

 private:
  // Whether the group was signalled as a whole.
  bool SendToGroup(pid_t group, int signal);

  const TreeFinder& finder_;
  const process::Pidfd* leader_;
};

}  // namespace curfew::containment
