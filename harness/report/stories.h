// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

// What several formats say in the same words.
namespace curfew::report {

// "3 passed, 1 timed out"; of a command how it ended.
[[nodiscard]] std::string CountsOf(const Run& run);
// The first words of what is wrong with a test: "timed out", "1 is not 2". Nothing for a good one.
[[nodiscard]] std::string Headline(const TestRecord& test);
// All that is known of why it is bad, several lines.
[[nodiscard]] std::string Story(const Run& run, const TestRecord& test);
// Why the program or command did not end as it should, if nothing else that is told says so; empty else.
[[nodiscard]] std::string AbnormalEnd(const Run& run);
// The same with all that is known of it, several lines: what was running at a time-out, what had to be killed.
[[nodiscard]] std::string AbnormalEndStory(const Run& run);
// How a command ended, whatever way: "exited with status 0". Empty for a test program.
[[nodiscard]] std::string CommandEnd(const Run& run);
// "redis: killed by SIGKILL, 3 processes had to be killed"; empty for a server that ended as it should.
[[nodiscard]] std::string Trouble(const ServerRecord& server);
// Leaks to blame on somebody whose record does not fail already, one entry each.
struct Blame {
  std::string name;  // of a test, a suite or the program
  std::vector<const LeakRecord*> leaks;
};
[[nodiscard]] std::vector<Blame> UnsaidLeaks(const Run& run);
// "left by Kv.Pings: POSIX shared memory /dev/shm/x; remove it by: rm '/dev/shm/x'".
[[nodiscard]] std::string Told(const ResourceRecord& resource);
// Basename of the program.
[[nodiscard]] std::string ProgramName(const Run& run);

}  // namespace curfew::report
