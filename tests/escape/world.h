// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace curfew::escape {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  std::uint64_t start_ticks = 0;
  std::string name;

  [[nodiscard]] bool zombie() const { return state == 'Z'; }
};

// What is alive, by three means that share nothing with those under test, nor with each other:
//   - this process is a subreaper, so whatever escapes from everything below ends up as its child;
//   - every hostile process holds a marker file, open or mapped (/proc/PID/fd, /proc/PID/maps);
//   - where cgroup v2 is writable, the test program is begun in a cgroup of its own.
class World {
 public:
  // `markers` are the marker files; `cgroup` the directory of the test's cgroup, or empty.
  World(const std::vector<std::string>& markers, std::string cgroup);

  // Makes this process a subreaper. Once.
  static void BecomeSubreaper();
  // A new cgroup below this process's own, with a cgroup "elsewhere" in it; empty where that cannot be.
  [[nodiscard]] static std::string MakeCgroup();

  // Everybody below this process, zombies too, except for those in `except` and what is below them. Collects the
  // zombies that were handed to this process, which are nobody's, but not those in `own`.
  [[nodiscard]] std::vector<Process> Descendants(const std::set<pid_t>& except, const std::set<pid_t>& own = {}) const;
  // How keepers that were collected by that have ended.
  [[nodiscard]] const std::string& KeeperEnds() const { return keeper_ends_; }
  // Who holds the marker, of all processes that can be read.
  [[nodiscard]] std::vector<Process> MarkerHolders() const;
  // Who is in the cgroup, or in one below.
  [[nodiscard]] std::vector<Process> InCgroup() const;
  // Directories below the cgroup that the test has not made: leaves that somebody forgot.
  [[nodiscard]] std::vector<std::string> ForgottenCgroups() const;
  void RemoveCgroup() const;

  // Kills every one of those, pinned and looked at again; for what a failed test has left.
  void EndAll(const std::set<pid_t>& except) const;

 private:
  [[nodiscard]] bool HoldsMarker(pid_t pid) const;

  std::set<std::pair<dev_t, ino_t>> markers_;
  std::string cgroup_;
  mutable std::string keeper_ends_;
};

[[nodiscard]] std::string Describe(const std::vector<Process>& processes);
// What tells a process that nobody has killed from one that was killed and does not go: where it sleeps, which signals
// are pending, whether it has let go of its memory and its descriptors.
[[nodiscard]] std::string Examine(const std::vector<Process>& processes);

}  // namespace curfew::escape
