// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace curfew {

// One process as /proc showed it. A snapshot: the process may have ended since.
struct ProcessInfo {
  pid_t pid = 0;  // its process id
  pid_t parent = 0;  // of its parent; 1, or a subreaper, for an orphan
  pid_t group = 0;  // process group
  pid_t session = 0;  // session, setsid(2)
  uid_t uid = 0;  // effective user
  char state = '?';                   // the letter of proc(5): R, S, D, T, Z ...
  std::string name;                   // comm: at most 15 bytes, set by the process itself
  std::vector<std::string> command;   // argv as the process shows it; empty for a zombie
  std::string cwd;                    // empty where unreadable
  std::vector<std::uint16_t> ports;   // TCP ports this process listens on, ascending
  std::uint64_t start_ticks = 0;      // clock ticks since boot; with pid, what tells it from a successor
  std::chrono::system_clock::time_point started;  // to the resolution of a clock tick
  // Read for leaks only, since each costs a read of its own; else empty.
  std::string exe;  // the program's file, " (deleted)" behind it if it is gone; empty where unreadable
  std::uint64_t resident_bytes = 0;

  [[nodiscard]] bool zombie() const { return state == 'Z'; }  // has ended, and nobody has collected it
  // The command line with every byte that could disturb a terminal or a report escaped, cut at max bytes.
  [[nodiscard]] std::string CommandLine(std::size_t max = 200) const;
};

// The living processes of one server at one moment, the leader first if it lives.
struct Tree {
  pid_t leader = 0;  // alive or not
  std::vector<ProcessInfo> processes;  // all of them

  [[nodiscard]] bool empty() const { return processes.empty(); }  // nothing of it is alive
  [[nodiscard]] std::size_t size() const { return processes.size(); }  // how many processes
  [[nodiscard]] bool Contains(pid_t pid) const;  // a process of that number is in the snapshot
  // Drawn with parents above their children, one line a process.
  [[nodiscard]] std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const Tree& tree);
};

}  // namespace curfew
