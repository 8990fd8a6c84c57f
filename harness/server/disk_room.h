// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace curfew::server {

// "no space is left on the file system of /tmp/x (ENOSPC)": why a log there ends too early, and mostly why its server
// did. Empty where there is room, or nobody can tell (statvfs(3)). A quota shows in no such figure.
[[nodiscard]] std::string WhyNoRoom(const std::filesystem::path& directory);

}  // namespace curfew::server
