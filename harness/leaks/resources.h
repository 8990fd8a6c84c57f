// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "procfs/proc.h"

namespace curfew::leaks {

// What tests leave besides processes, compared before and after a run or a test:
// - what outlives processes: System V shared memory, semaphores and message queues, POSIX shared memory and message
// queues,
//   Unix socket files, mounts, network namespaces with a name;
// - what lives as long as its holder does: listening TCP ports, abstract Unix sockets, network namespaces without a
// name.
//
// None of these says which run made it. So of the former what somebody alive has attached, mapped, open or listens on
// is taken for a stranger's, and what appeared meanwhile and nobody uses is told. Of the latter what is told is held by
// a process that began meanwhile and is of no run at all: one that a daemon began on request, or that shed every
// witness. What a run's own processes hold is told by the leak check. Nothing is ever removed.
struct Resource {
  std::string id{};  // tells it from one of the same name that was made anew; set by LeftSince
  std::string kind{};  // "System V shared memory"
  std::string name{};  // "id 4, key 0x1234, 56 bytes, made by process 4711"
  std::string path{};  // where it is a file
  pid_t maker = 0;   // where the kernel tells
  std::string holder{};   // "process 4711 (node server.js)": who keeps it alive, where it lives by that
  std::string removal{};  // a command that removes it, where there is one
  std::vector<pid_t> users{};  // who used it last, where the kernel tells
  std::string held_by{};       // what a descriptor or link of its holder reads: "socket:[4711]", "net:[4026531840]"

  // A network namespace that a living process is in: every container and sandbox of the machine makes one, and nothing
  // says that it was the run. It is told, and no run fails for it.
  [[nodiscard]] bool MayBeAStrangers() const;
  // One line without its end: kind, name, holder and removal; escaped.
  [[nodiscard]] std::string ToString() const;
};

// As ToString, indented, a line each; beyond 50 the rest is counted. Empty if there are none.
[[nodiscard]] std::string ListResources(const std::vector<Resource>& resources);

class Resources {
 public:
  struct Places {
    std::filesystem::path shared_memory = "/dev/shm";
    std::filesystem::path message_queues = "/dev/mqueue";
    std::filesystem::path net_namespaces = "/run/netns";
    std::vector<std::filesystem::path> sockets;  // directories in which socket files are looked for, not below

    // The machine's, and socket files in the temporary and the working directory.
    [[nodiscard]] static Places OfThisProcess();
  };

  // All there is now. Costs some files of /proc, a listing of each place, and 2 us for every process.
  [[nodiscard]] static Resources Take(const procfs::Proc& proc, const Places& places);
  // What is there now, as `this` has it, and was not then, in the sense above. Only if something is in question does it
  // look at descriptors and mappings of all processes.
  [[nodiscard]] std::vector<Resource> LeftSince(const Resources& before, const procfs::Proc& proc) const;

  // One table of /proc/sysvipc (shm, sem, msg), by what tells its lines apart.
  [[nodiscard]] static std::map<std::string, Resource> ParseSysV(const std::string& kind, std::string_view text);
  // Mount points of /proc/PID/mountinfo; a mounted network namespace is one of these.
  [[nodiscard]] static std::map<std::string, Resource> ParseMounts(std::string_view text);
  // Listening and datagram sockets with abstract names of /proc/net/unix, those without that the kernel named left out.
  [[nodiscard]] static std::map<std::string, Resource> ParseAbstract(std::string_view text);

 private:
  std::map<std::string, Resource> all_;
  std::uint64_t taken_ticks_ = 0;  // since boot, as the start times of processes
};

}  // namespace curfew::leaks
