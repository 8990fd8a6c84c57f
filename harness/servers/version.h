// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace curfew::servers {

struct Version {
  std::string found;    // "7.0.15"; empty: see `problem`
  std::string problem;  // why not: "exec ...: EACCES", "it says \"...\""
};

// What the program says when it is called with this flag; asked once for each path. Waits at most 10 s.
[[nodiscard]] Version VersionOf(const std::string& path, const std::string& flag);

// The first number with a dot in it: "15.20" of "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)".
[[nodiscard]] std::string FirstVersionIn(const std::string& text);

// Number by number; a number that is missing is 0.
[[nodiscard]] bool IsOlder(const std::string& left, const std::string& right);

}  // namespace curfew::servers
