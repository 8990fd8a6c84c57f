// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/stop.h>
#include <curfew/tree.h>

#include "containment/cgroup_leaf.h"
#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::containment {

// A leaf nobody answers for any more: keeper and warden of its server were killed. Held locked while this lives, so
// that two sweeps do not meet in it.
struct StaleLeaf {
  std::filesystem::path path;
  std::string run;
  CgroupLeaf leaf;
  std::vector<ProcessInfo> processes;  // alive inside
};

// The stale leaves of this user directly inside a directory; with `deep`, also below cgroups that are none of
// ours (each run's leaves stand where its test program stood). Blocks: never for long.
[[nodiscard]] std::vector<StaleLeaf> FindStaleLeaves(const procfs::Proc& proc, const std::filesystem::path& directory,
                                                     bool deep = false);

// Kills what is inside and removes it. Returns who survived, and why. Blocks until the deadline at most.
std::vector<Survivor> ReapStaleLeaf(const procfs::Proc& proc, const CgroupLeaf& leaf, Deadline deadline);

// What a server's keeper and warden, both killed, have left to whoever began them.
struct Abandoned {
  std::vector<ProcessInfo> processes;  // that were alive
  std::vector<Survivor> survivors;     // that still are
};

// Ends what is inside the run's stale leaves in this process's cgroup, and removes them. Blocks until the deadline at
// most.
[[nodiscard]] Abandoned ReapStaleLeavesOf(const procfs::Proc& proc, const std::string& run, Deadline deadline);

// Ends the processes of this tag, if there is one, and the run's stale leaves with all that is inside. Without tag and
// leaf nothing tells them from strangers, and they are left alone. Blocks until the deadline at most.
[[nodiscard]] Abandoned ReapAbandoned(const procfs::Proc& proc, const std::string& run, std::optional<process::Tag> tag,
                                      Deadline deadline);

}  // namespace curfew::containment
