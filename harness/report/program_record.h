// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace curfew::report {

// What a test framework knows of its program at one moment; the journal begins with it.
struct ProgramRecord {
  std::string output;  // where the framework writes its results: "xml:/absolute/path"; empty: nowhere
  int iteration = 0;
  std::vector<TestRecord> planned;   // in no order that matters; kNotRun or kDisabled
  std::vector<TestRecord> finished;  // of this iteration
};

// Which artifacts are kept when CURFEW_ARTIFACTS names a directory: logs of servers whose tests failed, of all, of
// none.
enum class Keep { kFailed, kAlways, kNever };

struct ArtifactSettings {
  std::string directory;  // absolute; empty: nothing is kept
  Keep keep = Keep::kFailed;
};

}  // namespace curfew::report
