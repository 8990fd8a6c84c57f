// SPDX-License-Identifier: Apache-2.0
#include "readiness/log_probe.h"

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

// So little at one look that a flood of output delays nobody's death notice: half a millisecond of ordinary
// lines, and 20 ms of empty ones, each of which is matched.
constexpr std::size_t kPerLook = std::size_t{1} << 17;

}  // namespace

LogProbe::LogProbe(const std::string& regex, const Subject& subject)
    : scanner_(subject.log, subject.log_offset, Pattern(regex)) {}

Observation LogProbe::Look(Deadline now) {
  looked_ = now;
  state_ = scanner_.Scan(kPerLook);
  return Describe();
}

std::optional<Deadline> LogProbe::WantsLook() const {
  return Busy() ? std::optional(looked_) : std::nullopt;
}

Observation LogProbe::Describe() const {
  const std::string title = "log: ";
  if (state_ == LogScanner::State::kFound) {
    return {.satisfied = true, .saw = title + Quoted(scanner_.line()) + " matched", .taken = {}};
  }
  std::string saw = title + "none of " + std::to_string(scanner_.lines()) + " lines matches " +
                    Quoted(scanner_.pattern().regex());
  if (!scanner_.unfinished().empty()) {
    saw += "; the last one, without its newline yet, ";
    saw += scanner_.UnfinishedMatches() ? "would match: " : "is ";
    saw += Quoted(scanner_.unfinished());
  }
  return {.satisfied = false, .saw = std::move(saw), .taken = {}};
}

}  // namespace curfew::readiness
