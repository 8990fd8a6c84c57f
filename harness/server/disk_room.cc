// SPDX-License-Identifier: Apache-2.0
#include "server/disk_room.h"

#include <sys/statvfs.h>

#include "readiness/text.h"

namespace curfew::server {

std::string WhyNoRoom(const std::filesystem::path& directory) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0) return "";
  const std::string where = " is left on the file system of " + readiness::Printable(directory.native(), 4096);
  // File systems without a limit of their own have no blocks at all, or no inodes.
  if (room.f_blocks != 0 && room.f_bavail == 0)
    return (room.f_bfree == 0 ? "no space" : "no space for others than root") + where + " (ENOSPC)";
  if (room.f_files != 0 && room.f_favail == 0) return "no inode" + where + " (ENOSPC)";
  return "";
}

}  // namespace curfew::server
