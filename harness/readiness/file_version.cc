// SPDX-License-Identifier: Apache-2.0
#include "readiness/file_version.h"

#include <sys/stat.h>

namespace curfew::readiness {

std::optional<FileVersion> FileVersion::Of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileVersion{.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = status.st_size,
                     .seconds = status.st_mtim.tv_sec,
                     .nanoseconds = status.st_mtim.tv_nsec,
                     .changed_seconds = status.st_ctim.tv_sec,
                     .changed_nanoseconds = status.st_ctim.tv_nsec};
}

FileVersions VersionsNow(const Ready& ready, const ServerAddress& address) {
  FileVersions versions;
  if (ready.kind() == Ready::Kind::kFile || ready.kind() == Ready::Kind::kFileSettled) {
    const std::filesystem::path path = address.dir / ready.subject();
    if (const auto version = FileVersion::Of(path)) versions.emplace(path.native(), *version);
  }
  for (const Ready& part : ready.parts()) versions.merge(VersionsNow(part, address));
  return versions;
}

}  // namespace curfew::readiness
