// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curfew/tree.h>

#include <chrono>
#include <string>
#include <vector>

namespace curfew::testing {

// A process with something in every field, and bytes that are not UTF-8 in every text.
inline ProcessInfo WildProcess(pid_t pid = 4711) {
  ProcessInfo process;
  process.pid = pid;
  process.parent = 1;
  process.group = pid - 1;
  process.session = pid - 2;
  process.uid = 4'294'967'294;  // nobody, the old way: needs all 32 bits
  process.state = 'D';
  process.name = "a)\n\xff";
  process.command = {"serv\xc3\x28r", "", "--x=\n\x1b[31m"};
  process.cwd = "/tmp/\xfe dir";
  process.ports = {1, 65535};
  process.start_ticks = 18'446'744'073'709'551'615U;
  process.started =
      std::chrono::system_clock::time_point(std::chrono::nanoseconds(1'234'567'890'123'456'789));
  return process;
}

// A tame one.
inline ProcessInfo PlainProcess(pid_t pid, const std::vector<std::string>& command) {
  ProcessInfo process;
  process.pid = pid;
  process.parent = 1;
  process.group = pid;
  process.session = pid;
  process.uid = 33;
  process.state = 'S';
  process.command = command;
  return process;
}

}  // namespace curfew::testing
