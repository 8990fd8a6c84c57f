// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "containment/tree_finder.h"

namespace curfew::containment {

// Whether anything of a tree lives, where no wait(2) can tell. One pass over /proc is no proof: it may see the parent
// when that has just ended, and miss the child that was just begun. So three passes in a row, half a millisecond apart,
// have to find zombies at most, and none that the pass before did not find: who came meanwhile had a parent that lived,
// and may have a child that does. The answer is given at the first sign, not when calm has come: a chain of processes
// that fork and end never lets it come.
//
// Where init, or another subreaper, collects the links of such a chain at once there are no zombies either, and the
// passes see nothing at all: a listing takes longer than a link lives. So the newest processes of the machine are asked
// last.
[[nodiscard]] bool AnythingLives(const TreeFinder& finder);

}  // namespace curfew::containment
