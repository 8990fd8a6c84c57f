// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace curfew::server {

// The keeper's program, and where it was looked for.
struct KeeperProgram {
  std::string path;                 // empty: none of the places has it
  std::vector<std::string> looked;  // each as "/path (what names it)"

  // For the error of a run that has none: every place, and what to do.
  [[nodiscard]] std::string WhyNone() const;
};

// Where it is, first of all what the environment says:
//   CURFEW_KEEPER_PROGRAM in the environment; if it is set, nothing else is tried
//   curfew_keeper_program, a symbol that the build of the test program adds: the build tree, or the prefix in
//     which the CMake package was found, which may have been moved since it was installed; Bazel's runfiles
//   beside the test program, and in ../libexec/curfew from there: a test program that was taken elsewhere
//     together with its helpers
//   the prefix this library was configured for
[[nodiscard]] KeeperProgram FindKeeperProgram();

}  // namespace curfew::server
