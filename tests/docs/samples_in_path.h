// SPDX-License-Identifier: Apache-2.0
// The snippets name programs as their reader would; the sample servers stand in for the reader's own.
#pragma once

#include <cstdlib>
#include <string>

namespace {

// Before main(): discovery and tests see the same PATH, and no snippet has to speak of it.
const bool kSamplesInPath = [] {
  const char* const path = std::getenv("PATH");
  return ::setenv("PATH", (CURFEW_SAMPLE_DIR ":" + std::string(path == nullptr ? "/usr/bin:/bin" : path)).c_str(), 1) ==
         0;
}();

}  // namespace
