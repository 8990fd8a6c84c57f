// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <curfew/ready.h>

namespace curfew::readiness {

// What is at a path, for telling whether it has been changed.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  // Of modification, and of any change: a rename keeps the former.
  std::int64_t seconds = 0, nanoseconds = 0, changed_seconds = 0, changed_nanoseconds = 0;
  friend bool operator==(const FileVersion&, const FileVersion&) = default;

  // Nothing if there is nothing, or that is not to be seen: errno says why, as stat(2) left it.
  [[nodiscard]] static std::optional<FileVersion> Of(const std::filesystem::path& path);
};

// What is now at the paths that File and FileSettled of a Ready mean, by path: what is not there is not in it.
using FileVersions = std::map<std::string, FileVersion>;
[[nodiscard]] FileVersions VersionsNow(const Ready& ready, const ServerAddress& address);

}  // namespace curfew::readiness
