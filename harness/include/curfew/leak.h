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
  ProcessInfo process;
  // How it got away, in words: "its parent is gone", "own session", "own process group", "zombie".
  std::vector<std::string> escapes;
  // By which evidence it is known to be ours: "lineage", "tag", "mark".
  std::vector<std::string> evidence;
  std::string server;  // name of the server whose tree it belonged to; empty: the test itself began it
  std::string test;    // "Suite.Test", or "Suite" or "the test program" where no test is to blame
  bool reaped = false;     // nothing of it is left
  std::string why_alive;   // set when it could not be ended: "EPERM (uid 33)", "uninterruptible sleep"

  // The report of this leak, several lines, ending in a newline.
  [[nodiscard]] std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const Leak& leak);
};

}  // namespace curfew
