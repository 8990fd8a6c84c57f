// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <vector>

namespace curfew::cli {

// What this process was started with, to be passed on to the command as a shell would: what is ignored (nohup(1)) and
// what is blocked.
struct InheritedSignals {
  std::vector<int> ignored;
  sigset_t mask{};

  // First thing in main, before anything is changed.
  [[nodiscard]] static InheritedSignals Capture();
};

}  // namespace curfew::cli
