// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "process/result.h"

namespace curfew::containment {

// The directory of a process's own cgroup v2, from the texts of its /proc/PID/mountinfo and /proc/PID/cgroup
// (proc(5), cgroups(7)): on a pure v2 machine /sys/fs/cgroup/..., on a hybrid one /sys/fs/cgroup/unified/... The
// Failure says what is missing. Nothing is looked at but the texts.
[[nodiscard]] process::Result<std::filesystem::path> ParseOwnCgroup(std::string_view mountinfo,
                                                                    std::string_view cgroup);

// Where cgroup v2 is mounted for the calling process, each place once.
[[nodiscard]] std::vector<std::filesystem::path> CgroupMountPoints();

// That of the calling process, where leaves can be made below it: it is there, is of cgroup v2, and this user
// may write to it and move processes within it. The Failure says why not, errno included.
[[nodiscard]] process::Result<std::filesystem::path> FindOwnCgroup();

}  // namespace curfew::containment
