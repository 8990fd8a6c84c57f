// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace curfew::process {

// The last lines of a file, without newlines, each cut at 4 KiB. Reads only the end of the file, at most
// 128 KiB of it. Empty if there is no such file.
[[nodiscard]] std::vector<std::string> TailLines(const std::filesystem::path& path, std::size_t lines);

}  // namespace curfew::process
