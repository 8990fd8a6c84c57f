// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace curfew {

// A process that may stay: a cache or a daemon that is shared on purpose. What is exempted is not ended and fails no
// test; it is still counted and shown with the reason, and an exemption that nothing needed is named at the end.
//
// All members that are given have to fit. Patterns are globs over the whole text (fnmatch(3): * ? [a-z]), or, between
// slashes, regular expressions (RE2) that are searched in it.
//
//   curfew::AddLeakExemption({.command = "*GradleDaemon*", .reason = "shared by every build of this machine"});
struct IgnoreLeaks {
  std::string command = {};   // the command line, arguments parted by spaces
  std::string exe = {};       // path of the program
  std::string mark = {};      // "test/server", each as the report names it
  std::uint16_t port = 0;     // a TCP port it listens on
  std::string reason = {};    // required
};

// For the rest of the program. Throws std::invalid_argument: no reason, nothing to match, or a pattern that is none.
// Threads: any. Does not block. What was begun by an exempted process is exempted with it.
void AddLeakExemption(const IgnoreLeaks& exemption);
// For the running test, its leak check included; also from SetUp. Not a scoped object: a test body is over before its
// leaks are looked for.
void AddLeakExemptionForThisTest(const IgnoreLeaks& exemption);

}  // namespace curfew
