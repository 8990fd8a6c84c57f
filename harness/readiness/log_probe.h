// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "readiness/log_scanner.h"
#include "readiness/probe.h"

namespace curfew::readiness {

// A finished line of the server's output matches, the first or the N-th, in time if there is a time for it. Half a line
// is not judged: "port 80" may become "port 8080".
class LogProbe final : public Probe {
 public:
  LogProbe(const std::string& regex, const Ready::LogOptions& options, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return state_ == LogScanner::State::kMore; }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(Describe()); }

 private:
  [[nodiscard]] Observation Describe() const;
  [[nodiscard]] bool Overdue() const { return ends_ && looked_ >= *ends_; }

  LogScanner scanner_;
  Duration within_;
  std::optional<Deadline> ends_;  // when the time for the line is over, where there is such a time
  Captures* captures_;
  LogScanner::State state_ = LogScanner::State::kAtEnd;
  Deadline looked_{};
};

}  // namespace curfew::readiness
