// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "table.h"

namespace curfew::escape {

struct CellOptions {
  std::string disabled;               // CURFEW_TEST_DISABLE: mechanisms that are switched off
  std::string containment;            // CURFEW_CONTAINMENT: "basic" for none by cgroup; empty: as it comes
  std::chrono::seconds patience{30};  // for the last process to go
};

// What became of one cell.
struct Outcome {
  std::string skipped;                 // why it could not run here; empty: it has run
  std::vector<std::string> survivors;  // what was alive, or a zombie, when all should have been gone
  std::vector<std::string> harmed;     // what was done to strangers
  std::vector<std::string> failures;   // anything else that is not as it should be
  std::string output;                  // of the program

  [[nodiscard]] bool clean() const { return survivors.empty() && harmed.empty() && failures.empty(); }
  // '.' clean, '-' skipped, 'H' harmed, 'S' survivors, 'F' failed.
  [[nodiscard]] char Letter() const;
  [[nodiscard]] std::string ToString() const;
};

// Runs the program of the row with the server of the column, to the end. Whatever it leaves is ended.
[[nodiscard]] Outcome RunCell(const Row& row, const Column& column, const CellOptions& options);

// Options from the environment: ESCAPE_OFF, ESCAPE_CONTAINMENT, ESCAPE_PATIENCE (seconds).
[[nodiscard]] CellOptions OptionsFromEnvironment();

}  // namespace curfew::escape
