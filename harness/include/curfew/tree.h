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
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uid_t uid = 0;
  char state = '?';                   // the letter of proc(5): R, S, D, T, Z ...
  std::string name;                   // comm: at most 15 bytes, set by the process itself
  std::vector<std::string> command;   // argv as the process shows it; empty for a zombie
  std::string cwd;                    // empty where unreadable
  std::vector<std::uint16_t> ports;   // TCP ports this process listens on, ascending
  std::uint64_t start_ticks = 0;      // clock ticks since boot; with pid, what tells it from a successor
  std::chrono::system_clock::time_point started;
  // Read for leaks only, since each costs a read of its own; else empty.
  std::string exe;                    // the program's file, " (deleted)" behind it if it is gone; empty where unreadable
  std::uint64_t resident_bytes = 0;

  [[nodiscard]] bool zombie() const { return state == 'Z'; }
  // The command line with every byte that could disturb a terminal or a report escaped, cut at max bytes.
  [[nodiscard]] std::string CommandLine(std::size_t max = 200) const;
};

// The living processes of one server at one moment, the leader first if it lives.
struct Tree {
  pid_t leader = 0;
  std::vector<ProcessInfo> processes;

  [[nodiscard]] bool empty() const { return processes.empty(); }
  [[nodiscard]] std::size_t size() const { return processes.size(); }
  [[nodiscard]] bool Contains(pid_t pid) const;
  // Drawn with parents above their children, one line a process.
  [[nodiscard]] std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const Tree& tree);
};

}  // namespace curfew
