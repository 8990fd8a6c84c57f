// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "containment/cgroup_leaf.h"
#include "process/launch.h"

namespace curfew::containment {

struct ContainedLaunch {
  process::Pidfd leader;
  bool in_leaf = false;
  std::string why_not;  // in the leaf, though there is one
};

// Launches into the leaf: born in it where the kernel does that, else entering it before exec, else, unless it is
// `required`, outside. `leaf` may be null. Only for single-threaded callers: to be born in a leaf takes a fork.
[[nodiscard]] process::Result<ContainedLaunch> LaunchInto(const CgroupLeaf* leaf, bool required,
                                                          process::LaunchRequest request,
                                                          process::Launcher& launcher);

}  // namespace curfew::containment
