// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <curfew/tree.h>

#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::containment {

// How a process got away from where it was begun, in the words of a report. `group` and `session` are those
// of the process that stands for its origin (the leader, or the test program); `parent_gone` whether its parent is.
[[nodiscard]] std::vector<std::string> DescribeEscape(const ProcessInfo& process, bool parent_gone, pid_t group,
                                                      pid_t session);

// Whether it is the keeper of another run than that of `tag`, in a server that is a Curfew program itself: it is no
// child of its program, by design, and ends with it. Without tags it is not known, and then false.
[[nodiscard]] bool IsNestedKeeper(const procfs::Proc& proc, pid_t pid, std::optional<process::Tag> tag);

}  // namespace curfew::containment
