// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include "process/file_descriptor.h"

namespace curfew::report {

// The record of a run, written as things happen so that a killed run still has one: one JSON object a line,
// each with "time_ms" (since the epoch) and "event". docs/architecture.md lists the events.
//
// A line is one write(2) in append mode: after a crash at most the last line is not whole. Text that is not
// UTF-8 is written with replacement characters. A full disk loses lines, never the run.
class Journal {
 public:
  // A journal that cannot be opened writes nothing.
  explicit Journal(const std::filesystem::path& path);

  // A time that the event has already is kept.
  void Write(nlohmann::json event);
  // The errno of the last line that was lost, or of the open; 0 if all is written. Who makes reports of it asks.
  [[nodiscard]] int error() const { return error_; }

 private:
  process::FileDescriptor file_;
  bool cut_short_ = false;  // the last line is not whole
  int error_ = 0;
};

}  // namespace curfew::report
