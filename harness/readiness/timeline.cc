// SPDX-License-Identifier: Apache-2.0
#include "readiness/timeline.h"

#include "process/clock.h"

namespace curfew::readiness {

void Timeline::Add(Duration since_start, const std::vector<Observation>& seen) {
  states_.resize(seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::string& state = seen[i].satisfied || seen[i].state.empty() ? seen[i].saw : seen[i].state;
    if (state == states_[i]) continue;
    states_[i] = state;
    if (first_.size() < kFirst) {
      first_.push_back({since_start, seen[i].saw});
      continue;
    }
    latest_.push_back({since_start, seen[i].saw});
    if (latest_.size() <= kLatest) continue;
    latest_.pop_front();
    ++left_out_;
  }
}

std::vector<std::string> Timeline::Lines() const {
  std::vector<std::string> lines;
  const auto tell = [&](const Entry& entry) { lines.push_back(process::Describe(entry.at) + "  " + entry.saw); };
  for (const Entry& entry : first_) tell(entry);
  if (left_out_ > 0) lines.push_back("... and " + std::to_string(left_out_) + " changes more ...");
  for (const Entry& entry : latest_) tell(entry);
  return lines;
}

}  // namespace curfew::readiness
