// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <curfew/exit_status.h>
#include <curfew/start_error.h>
#include <curfew/stop.h>

#include "process/result.h"
#include "readiness/race.h"
#include "server/prepared_server.h"

namespace curfew::server {

// Everything that is known about a start that failed.
struct FailedStart {
  StartError::Reason reason = StartError::kTimedOut;
  std::string headline = {};  // "not ready after its ready_timeout of 2 s"
  std::optional<process::Failure> failure = {};
  std::optional<readiness::Outcome> outcome = {};
  std::string learnt_by = {};  // "kernel event, 2 calls of listen": how it was looked whether it listens
  std::optional<ExitStatus> exit_status = {};  // how the leader ended by itself
  pid_t pid = 0;                          // 0: never launched
  std::optional<StopResult> stop = {};
  std::vector<std::string> notes = {};    // of earlier attempts: "port 4711 was taken: ..."
  std::vector<ProcessInfo> left = {};  // what lived on when the leader had exited with status 0
};

// What a wait that did not end well means; `kReady` is none of them.
[[nodiscard]] StartError::Reason ReasonOf(const readiness::Outcome& outcome);

// Of a launch that failed: our own processes are gone, the run is ending, or the step itself.
[[nodiscard]] StartError::Reason ReasonOf(const process::Failure& failure);

// The first line of the story. `left`: what lived on when the leader had exited with status 0.
[[nodiscard]] std::string HeadlineOf(const readiness::Outcome& outcome, const ServerSpec& spec,
                                     const std::vector<ProcessInfo>& left);

// The StartError that tells it: what was tried, for how long, what each probe saw, how the server ended, its
// last lines, and what to try next.
[[nodiscard]] StartError TellStory(const PreparedServer& server, const FailedStart& failed);

}  // namespace curfew::server
