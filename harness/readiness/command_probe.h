// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "readiness/command.h"
#include "readiness/probe.h"

namespace curfew::readiness {

// A command exits with status 0. One run at a time; one that takes longer than its attempt may is killed, and the next
// begins after a pause as long as the last run took.
class CommandProbe final : public Probe {
 public:
  CommandProbe(std::vector<std::string> argv, const Ready::CommandOptions& options, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return running_ != nullptr; }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask(Deadline now);
  [[nodiscard]] Observation Conclude(Deadline now, const CommandEnd& end);
  [[nodiscard]] std::string Killed() const;

  std::vector<std::string> argv_;
  std::map<std::string, std::string> env_;
  std::string title_;  // "command pg_isready -p 5432"
  CommandRunner& runner_;
  std::unique_ptr<RunningCommand> running_;
  Duration limit_;
  Deadline began_;
  bool killed_ = false;
  std::optional<Deadline> next_;
  Observation seen_;
};

}  // namespace curfew::readiness
