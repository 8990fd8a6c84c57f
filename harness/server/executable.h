// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace curfew::server {

// The search for a program, as execvp(3) would do it, with what it met on the way for the error message.
struct ExecutableSearch {
  std::string path;                 // absolute; empty if nothing fit
  int error = 0;                    // ENOENT, EACCES (no execute permission) or EISDIR
  std::vector<std::string> looked;  // every path that was tried, or the directories of PATH
};

// A name without '/' is looked for in `search_path` (a PATH value); any other is taken from the present
// working directory, since the server will run in another.
[[nodiscard]] ExecutableSearch FindExecutable(const std::string& program, const std::string& search_path);

}  // namespace curfew::server
