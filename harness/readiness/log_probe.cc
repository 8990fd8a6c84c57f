// SPDX-License-Identifier: Apache-2.0
#include "readiness/log_probe.h"

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

// So little at one look that a flood of output delays nobody's death notice: half a millisecond of ordinary
// lines, and 20 ms of empty ones, each of which is matched.
constexpr std::size_t kPerLook = std::size_t{1} << 17;

}  // namespace

LogProbe::LogProbe(const std::string& regex, const Ready::LogOptions& options, const Subject& subject)
    : scanner_(subject.log, subject.log_offset, Pattern(regex), options.occurrence),
      within_(process::Scaled(options.within)),
      captures_(subject.captures) {
  if (options.within > Duration::zero() && subject.launched) ends_ = *subject.launched + within_;
}

Observation LogProbe::Look(Deadline now) {
  looked_ = now;
  const bool found_before = state_ == LogScanner::State::kFound;
  state_ = scanner_.Scan(kPerLook);
  if (state_ == LogScanner::State::kFound && !found_before && captures_ != nullptr) {
    for (const auto& [name, text] : scanner_.captures()) (*captures_)[name] = text;
  }
  return Describe();
}

std::optional<Deadline> LogProbe::WantsLook() const {
  if (Busy()) return looked_;
  return state_ != LogScanner::State::kFound && !Overdue() ? ends_ : std::nullopt;
}

Observation LogProbe::Describe() const {
  const std::string title = "log: ";
  if (state_ == LogScanner::State::kFound) {
    return {.satisfied = true, .saw = title + Quoted(scanner_.line()) + " matched", .taken = {}};
  }
  const bool several = scanner_.occurrence() > 1;
  const std::string count = several ? std::to_string(scanner_.matches()) : "none";
  std::string saw = title + count + " of " + std::to_string(scanner_.lines()) + " lines matches " +
                    Quoted(scanner_.pattern().regex()) +
                    (several ? ", and it takes " + std::to_string(scanner_.occurrence()) : "");
  if (!scanner_.unfinished().empty()) {
    saw += "; the last one, without its newline yet, ";
    saw += scanner_.UnfinishedMatches() ? "would match: " : "is ";
    saw += Quoted(scanner_.unfinished());
  }
  Observation seen{.satisfied = false, .saw = saw, .taken = {}, .state = title + count};
  // What is written and not read yet may have come in time.
  if (Overdue() && !Busy()) seen.hopeless = saw + ", and its time of " + process::Describe(within_) + " is over";
  return seen;
}

}  // namespace curfew::readiness
