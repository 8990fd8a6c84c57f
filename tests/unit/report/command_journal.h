// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <vector>

#include "sample_journal.h"

namespace curfew::testing {

// The journal of `curfew run -- ctest -j8`: `events` stand between its launch and its end, a second after its
// beginning.
inline std::string CommandJournal(const std::vector<nlohmann::json>& events) {
  std::string text = Line({{"event", "run_begin"}, {"schema", 1}, {"run", "cmd"}, {"pid", 7}, {"host", "builder"},
                           {"command", {"/usr/bin/ctest", "-j8"}}}, 1'000);
  text += Line({{"event", "command_launched"}, {"pid", 8}, {"argv", {"ctest", "-j8"}}}, 1'001);
  for (const auto& event : events) text += Line(event, 1'500);
  return text + Line({{"event", "run_end"}, {"run", "cmd"}, {"why", "the command has ended"}}, 2'000);
}

inline nlohmann::json Ended(const ExitStatus& status) { return {{"event", "owner_end"}, {"status", status}}; }

// What such a journal has of a time-out.
inline std::vector<nlohmann::json> TimedOut() {
  StopResult stop;
  stop.leader = ExitStatus::KilledBy(SIGTERM);
  stop.processes.push_back({PlainProcess(9, {"deaf", "one"}), SIGKILL, std::nullopt});
  return {{{"event", "run_timeout"},
           {"why", "was still running after its timeout of 300 ms"},
           {"evidence", "8 ctest\n  9 deaf one\n"}},
          {{"event", "run_stopped"}, {"cause", "still running after its timeout of 300 ms"}, {"result", stop}},
          Ended(ExitStatus::KilledBy(SIGTERM))};
}

}  // namespace curfew::testing
