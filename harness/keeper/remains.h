// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curfew/stop.h>

#include <functional>
#include <vector>

#include "containment/cgroup_leaf.h"
#include "containment/tree_finder.h"

namespace curfew::keeper {

// Collects every ended child of this process.
using Collect = std::function<void()>;

// Reaps the tree of a warden that died without its last word: its children are this process's now, or will be in a
// moment. `leaf` may be null; it is removed. Blocks until nothing is left, for 10 s at most. Who survived, and why.
[[nodiscard]] std::vector<Survivor> ReapTree(containment::TreeFinder& finder, const containment::CgroupLeaf* leaf,
                                             const Collect& collect);

// Kills what carries the tag of the test program though no server began it. Blocks as above. What was found alive at
// first; empty if there was nothing.
[[nodiscard]] std::vector<ProcessInfo> ReapStrays(const containment::TreeFinder& finder, const Collect& collect);

// Waits until this process has no child left, for the time that the exit of a small process takes at most.
void CollectRest(const Collect& collect);

}  // namespace curfew::keeper
