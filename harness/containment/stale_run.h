// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/stop.h>
#include <curfew/tree.h>

#include "containment/stale.h"
#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::containment {

// What a run has left that nobody answers for any more.
struct StaleRun {
  std::string run;
  std::vector<StaleLeaf> leaves;       // held locked while this lives
  std::vector<ProcessInfo> processes;  // alive, by tag or inside a leaf; each once
  std::set<process::Tag> tags;         // that they carry
};

// Every dead run of this machine that has left something alive, or a leaf of this user's. For `curfew leaks`.
//
// A leaf is a dead run's if nobody holds its lock. A tag is, if twice in a row no living process of that run could be
// its keeper, a warden or its test program: the first two have a slot of their own, the last one
// has the run's tag without the mark in the environment it was executed with. What is in doubt counts as alive. So does
// a run that an ancestor of ours belongs to; and nothing is said of tags where not all processes can be seen: under
// hidepid, and in a PID namespace that was begun inside a run (its keeper may be outside).
// Blocks: two passes over /proc and one over the cgroups, milliseconds.
[[nodiscard]] std::vector<StaleRun> FindStaleRuns(const procfs::Proc& proc);

// Kills what is left of it and removes its leaves. Returns who survived, and why. Blocks until the deadline at most.
std::vector<Survivor> ReapStaleRun(const procfs::Proc& proc, const StaleRun& run, Deadline deadline);

}  // namespace curfew::containment
