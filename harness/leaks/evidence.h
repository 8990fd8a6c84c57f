// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include <curfew/leak.h>

#include "containment/tree_finder.h"
#include "procfs/proc.h"

namespace curfew::leaks {

// What the descriptors of a run's owner point at, by what they are to it: "pipe:[4711]" -> "stdout of ctest". A leak
// that holds one of these keeps somebody waiting.
using Belongings = std::map<std::string, std::string>;

// Pipes, sockets and files at descriptors 0 to 2 of this process; not terminals nor /dev/null, which nobody waits for.
[[nodiscard]] Belongings StandardStreams(const procfs::Proc& proc, pid_t pid, const std::string& of);

// A keeper, warden or guardian: of whatever run.
[[nodiscard]] bool IsCurfewHelper(const procfs::Proc& proc, pid_t pid);

// Adds what a report of a leak shows beyond ProcessInfo: program, memory, what it holds.
void AddDetails(const procfs::Proc& proc, const Belongings& belongings, Leak& leak);

struct LeftBehind {
  std::string run;
  pid_t leader = 0;   // what stood at the head of the tree; its group and session are where all began
  pid_t leader_session = 0;
  pid_t leader_group = 0;
  pid_t adopter = 0;  // the subreaper: a child of it that is not the leader has lost its parent
  Belongings belongings;
};

// A leak for every process of the tree that is there now: alive, or a zombie that its parent does not collect. Who
// began it is told by its mark and tag, where it is of an inner run.
[[nodiscard]] std::vector<Leak> DescribeLeft(const containment::TreeFinder& finder, const LeftBehind& context);

}  // namespace curfew::leaks
