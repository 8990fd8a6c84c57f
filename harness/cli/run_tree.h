// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "leaks/machine.h"

namespace curfew::cli {

// The processes of a run as a tree, one line each: pid, command, ports; then age and which test and server began it.
[[nodiscard]] std::string DrawRun(const leaks::MachineRun& run, std::chrono::system_clock::time_point now);

// "3 s", "12 min", "5 h", "3 days".
[[nodiscard]] std::string Age(std::chrono::system_clock::duration age);

}  // namespace curfew::cli
