// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <curfew/exit_status.h>
#include <curfew/leak.h>
#include <curfew/stop.h>

#include "cli/options.h"
#include "leaks/resources.h"

namespace curfew::cli {

// All that is known when a run is over.
struct Outcome {
  std::string run;
  std::vector<std::string> command;
  std::optional<ExitStatus> status;     // of the command; absent only if it could not be ended
  std::optional<std::string> timed_out;  // why, and what was running
  std::optional<StopResult> stop;       // of what had to be stopped
  std::vector<Leak> leaks;              // that the command left behind
  std::vector<Leak> inner_leaks;        // that runs inside found themselves
  std::vector<leaks::Resource> resources;  // that appeared, and nobody uses
  bool resources_fail = false;          // --resources=fail
  std::string guardian_lost;            // not empty: what became of the guardian
  std::string blind;                    // not empty: why it cannot be told what is left
  std::string journal_lost;             // not empty: why the journal is not whole

  // Whether the run fails for having left it.
  [[nodiscard]] bool Fails(const leaks::Resource& resource) const {
    return resources_fail && !resource.MayBeAStrangers();
  }
};

// What `curfew run` ends with: a status to pass on as it is, or a code of our own.
struct Verdict {
  std::optional<int> signal;  // the command was killed by it, and so the caller is to see it
  int exit_code = 0;
};
[[nodiscard]] Verdict Judge(const Outcome& outcome, Policy leaks);

// What people read; empty if there is nothing to say.
[[nodiscard]] std::string Describe(const Outcome& outcome, const Verdict& verdict, Policy leaks);

}  // namespace curfew::cli
