// SPDX-License-Identifier: Apache-2.0
#pragma once

// The escape matrix as data: how a test program ends (rows), against how a server escapes (columns). The driver
// makes one test of each sensible cell; the test program (ends.cc) looks its server up here.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace curfew::escape {

// How a server escapes. The name is the behaviour of hostile.cc.
struct Column {
  std::string_view name;
  std::string_view what;
  std::size_t processes = 1;  // of the server, at least, that hold the marker once it is up
  int grace_ms = 5000;        // short where the server is known not to end by SIGTERM
  bool daemonizes = false;
  // Strikes at the processes of Curfew itself, so that a test which would pass may fail.
  bool strikes = false;
  enum class Needs { kNothing, kRoot, kCgroup, kUserNamespace } needs = Needs::kNothing;
};

// What the driver does once the server is up.
enum class Play {
  kLetGo,  // the test body goes on, to whatever end its test stands for
  kSignal,
  kKillKeeper,
  kKillWarden,
  kKillKeeperAndProgram,
  kKillWardenAndProgram,
  kStopThenKill,
  kCtrlC,
  kCtrlCTwice,
  kKillCtest,
  kExpireTimeout,
  kAwaitCtest,
  kLetGoAfterServers,  // the program goes on when its servers are gone: it has replaced itself
};

// What the program runs under.
enum class Under { kShell, kTerminal, kCtest, kTimeout };

// How the test program ends.
struct Row {
  std::string_view name;
  std::string_view what;
  std::string_view test;  // of ends.cc
  Play play = Play::kLetGo;
  Under under = Under::kShell;
  int signal = 0;
  // The wait statuses a shell may see of it; empty: any.
  std::vector<int> ends = {};
  bool grace = true;    // a server gets its time to stop
  bool servers = true;  // false: none may be started at all
  int programs = 1;     // at the same time
  std::vector<std::string> arguments = {};
};

[[nodiscard]] const std::vector<Row>& Rows();
[[nodiscard]] const std::vector<Column>& Columns();
[[nodiscard]] const Column* FindColumn(std::string_view name);

// Why a cell is left out; nothing if it is to be run.
[[nodiscard]] std::optional<std::string> LeftOut(const Row& row, const Column& column);
// Of the subset that every run of the tests takes: each row with a few columns, each column with a few rows.
[[nodiscard]] bool IsFast(const Row& row, const Column& column);

}  // namespace curfew::escape
