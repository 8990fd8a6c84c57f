// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// The server has said READY=1 (sd_notify(3)), and not STOPPING=1 since.
class NotifyProbe final : public Probe {
 public:
  explicit NotifyProbe(const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  void Attend() override;
  [[nodiscard]] std::optional<Deadline> Extension() const override { return socket_.news().extended; }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(Describe()); }

 private:
  void Drain(Deadline now);
  [[nodiscard]] Observation Describe() const;

  NotifySocket& socket_;
  const procfs::Proc& proc_;
  OwnerCheck owner_;
};

// The server has written a newline to the descriptor it was given.
class NotifyFdProbe final : public Probe {
 public:
  explicit NotifyFdProbe(const Subject& subject) : pipe_(*subject.notify_pipe) {}

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  void Attend() override { pipe_.Drain(); }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(Describe()); }

 private:
  [[nodiscard]] Observation Describe() const;

  NotifyPipe& pipe_;
};

}  // namespace curfew::readiness
