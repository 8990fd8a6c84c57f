// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "procfs/proc.h"

namespace curfew::leaks {

// What outlives processes: System V shared memory, semaphores and message queues, POSIX shared memory and message
// queues, Unix socket files, mounts, named network namespaces. Compared before and after a run.
//
// None of these says which run made it. So what somebody alive has attached, mapped, open or listens on is taken for a
// stranger's; what appeared meanwhile and nobody uses is told, in these words, and never removed.
struct Resource {
  std::string kind;  // "System V shared memory"
  std::string name;  // "id 4, key 0x1234, 56 bytes, made by process 4711"
  std::string path;  // where it is a file
  pid_t maker = 0;   // where the kernel tells
};

class Resources {
 public:
  struct Places {
    std::filesystem::path shared_memory = "/dev/shm";
    std::filesystem::path message_queues = "/dev/mqueue";
    std::filesystem::path net_namespaces = "/run/netns";
    std::vector<std::filesystem::path> sockets;  // directories in which socket files are looked for, not below
  };

  // All there is now. Costs some files of /proc and a listing of each place.
  [[nodiscard]] static Resources Take(const procfs::Proc& proc, const Places& places);
  // What is there now and was not then, as `this` has it, and nobody alive uses.
  [[nodiscard]] std::vector<Resource> LeftSince(const Resources& before, const procfs::Proc& proc) const;

  // One table of /proc/sysvipc (shm, sem, msg), by what tells its lines apart.
  [[nodiscard]] static std::map<std::string, Resource> ParseSysV(const std::string& kind, std::string_view text);
  // Mount points of /proc/PID/mountinfo.
  [[nodiscard]] static std::map<std::string, Resource> ParseMounts(std::string_view text);

 private:
  std::map<std::string, Resource> all_;
};

}  // namespace curfew::leaks
