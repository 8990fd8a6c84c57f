// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <curfew/tree.h>

namespace curfew {

// One process that was alive, or dead and uncollected, when its owner (test, suite or run) had ended; or
// one that had left its server's tree of parents (an orphan) when the server was stopped.
struct Leak {
  ProcessInfo process;  // as it was found, before it was reaped
  // How it got away, in words: "its parent is gone", "own session", "own process group", "zombie".
  std::vector<std::string> escapes;
  // By which evidence it is known to be ours: "lineage", "tag", "mark".
  std::vector<std::string> evidence;
  std::string server;  // name of the server whose tree it belonged to; empty: the test itself began it
  std::string test;    // "Suite.Test", or "Suite" or "the test program" where no test is to blame
  std::string run;     // id of the run that began it, where that is not the run of the report
  // Commands that led to it, the oldest first, where nothing else tells who began it: "ctest -j8", "./kv_test".
  std::vector<std::string> ancestors;
  // What it holds on to that is not its own: "stdout of the test program (pipe:[4711])".
  std::vector<std::string> holds;
  // By whose word it is no failure: the reason of the exemption. Empty: it is one.
  std::string exempted;
  bool reaped = false;     // nothing of it is left
  std::string why_alive;   // set when it could not be ended: "EPERM (uid 33)", "uninterruptible sleep"

  // The report of this leak, several lines, ending in a newline.
  [[nodiscard]] std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const Leak& leak);
};

}  // namespace curfew
