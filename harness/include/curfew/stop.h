// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/exit_status.h>
#include <curfew/leak.h>

namespace curfew {

// One rung of the ladder a server is stopped by.
struct StopStep {
  enum class To { kTree, kLeader };  // whom the signal is sent to

  int signal = SIGTERM;  // 1 to SIGRTMAX
  Duration grace = std::chrono::seconds(5);  // how long the whole tree may take before the next rung
  // kTree: every process of the tree gets the signal once, group by group. kLeader: the leader alone, for
  // servers that shut their children down in an order of their own (postgres).
  To to = To::kTree;
};

// The steps in order; whatever is alive after the last one is killed. No steps: killed at once.
//
//   spec.stop = {{{SIGINT, 2s}, {SIGTERM, 2s}}};
struct StopPolicy {
  std::vector<StopStep> steps = {StopStep{}};  // by default one: SIGTERM, 5 s
};

// One process of the tree and what it took to end it.
struct StoppedProcess {
  ProcessInfo process;  // as it was when the stop began
  // 0: ended by itself before any signal was sent. Else the last signal that had been sent to it.
  int needed = 0;
  std::optional<ExitStatus> status;  // known for the leader and for what its warden had adopted
};

// A process that outlived even SIGKILL, and why.
struct Survivor {
  ProcessInfo process;  // as it is now
  std::string reason;  // "EPERM: runs as uid 33", "uninterruptible sleep in nfs_wait"
};

// What a stop did. Nothing of the server is alive after it unless `survivors` names it.
struct StopResult {
  std::optional<ExitStatus> leader;        // how the leader ended; absent only if it is a survivor
  // Everything alive when the stop began, and what began later and had to be killed.
  std::vector<StoppedProcess> processes;
  std::vector<Leak> orphans;               // those whose parent was gone when the stop began
  std::vector<Survivor> survivors;  // what could not be ended
  Duration took{};  // from the first signal to the last status

  // No process had to be killed, none survived, and it is known how the leader ended.
  [[nodiscard]] bool graceful() const;
  // "stopped in 12 ms: 3 processes ended on SIGTERM" and a line for each that needed more.
  [[nodiscard]] std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const StopResult& result);
};

}  // namespace curfew
