// SPDX-License-Identifier: Apache-2.0
#include "readiness/simple_probes.h"

#include <exception>
#include <system_error>

#include "process/names.h"
#include "readiness/text.h"

namespace curfew::readiness {

FileProbe::FileProbe(std::filesystem::path path)
    : path_(std::move(path)), title_("file " + Printable(path_.native(), 4096)), seen_(NotAsked(title_)) {}

Observation FileProbe::Look(Deadline) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path_, error);
  seen_.satisfied = std::filesystem::exists(status);
  const bool absent = status.type() == std::filesystem::file_type::not_found;
  seen_.saw = title_ + ": " +
              (seen_.satisfied ? "is there"
               : absent        ? "not there"
                               : process::DescribeErrno(error.value()));
  return seen_;
}

Observation WhenProbe::Look(Deadline) {
  return seen_ = Ask();
}

Observation WhenProbe::Ask() const {
  try {
    const bool holds = predicate_(address_);
    return {.satisfied = holds, .saw = holds ? "When(): true" : "When(): false", .taken = {}};
  } catch (const std::exception& error) {
    return {.satisfied = false, .saw = "When(): threw " + Quoted(error.what(), 1000), .taken = {}};
  } catch (...) {
    return {.satisfied = false, .saw = "When(): threw something that is no std::exception", .taken = {}};
  }
}

}  // namespace curfew::readiness
