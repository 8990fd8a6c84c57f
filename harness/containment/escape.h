// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <curfew/tree.h>

namespace curfew::containment {

// How a process got away from where it was begun, in the words of a report. `group` and `session` are those
// of the process that stands for its origin (the leader, or the test program); `parent_gone` whether its parent is.
[[nodiscard]] std::vector<std::string> DescribeEscape(const ProcessInfo& process, bool parent_gone, pid_t group,
                                                      pid_t session);

}  // namespace curfew::containment
