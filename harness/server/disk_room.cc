// SPDX-License-Identifier: Apache-2.0
#include "server/disk_room.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "readiness/text.h"

namespace curfew::server {

std::string WhyNoRoom(const std::filesystem::path& directory) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0) return "";
  const std::string where = " is left on the file system of " + readiness::Printable(directory.native(), 4096);
  // File systems without a limit of their own have no blocks at all, or no inodes.
  // What is reserved for root is room for root's servers alone.
  const auto free_blocks = ::geteuid() == 0 ? room.f_bfree : room.f_bavail;
  if (room.f_blocks != 0 && free_blocks == 0) return "no space" + where + " (ENOSPC)";
  if (room.f_files != 0 && room.f_favail == 0) return "no inode" + where + " (ENOSPC)";
  return "";
}

}  // namespace curfew::server
