// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curfew/spec.h>

#include <string>
#include <utility>
#include <vector>

namespace curfew {

// The spec of a sample server, by the name of its program.
inline ServerSpec Sample(const std::string& name, const std::vector<std::string>& options = {}) {
  std::vector<std::string> command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"};
  command.insert(command.end(), options.begin(), options.end());
  return {.command = std::move(command)};
}

}  // namespace curfew
