// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>

#include "report/report_files.h"

namespace curfew::cli {

// Exit codes of the command, besides those of CMD.
inline constexpr int kExitLeaked = 86;         // CMD passed, and left processes behind
inline constexpr int kExitUsage = 2;
inline constexpr int kExitTimedOut = 124;      // as timeout(1)
inline constexpr int kExitInternal = 125;      // Curfew itself could not do its part
inline constexpr int kExitNotExecutable = 126; // as shells
inline constexpr int kExitNotFound = 127;      // as shells

enum class Policy { kFail, kWarn, kOff };

// Processes that are left alone.
struct MayStay {
  std::string suppressions;         // a file of exemptions; empty: that of CURFEW_SUPPRESSIONS
  std::vector<std::string> exempt;  // names of ready-made ones
};

struct RunOptions {
  std::vector<std::string> command;
  Policy leaks = Policy::kFail;
  std::optional<Duration> timeout;
  Duration grace = std::chrono::seconds(5);
  bool keep = false;
  Policy resources = Policy::kWarn;  // shared memory, sockets, mounts ... that are there afterwards
  MayStay may_stay;
  report::Outputs outputs;           // reports of the run and of those inside
};

struct LeaksOptions {
  MayStay may_stay;
  bool kill = false;
  bool json = false;
};

struct PsOptions {
  bool json = false;
};

}  // namespace curfew::cli
