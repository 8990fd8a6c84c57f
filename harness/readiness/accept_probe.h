// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process/file_descriptor.h"
#include "readiness/attempts.h"
#include "readiness/port_probe.h"
#include "readiness/probe.h"

namespace curfew::readiness {

// A TCP connection to the server's port is accepted, and closed at once. Whose the listening socket is, is proven
// before anything is connected.
class AcceptProbe final : public Probe {
 public:
  AcceptProbe(const std::string& port_name, Duration attempt, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return socket_.valid(); }
  [[nodiscard]] std::optional<std::string> Stranger() override { return listening_.Stranger(); }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask(Deadline now);
  [[nodiscard]] Observation GoOn(Deadline now);
  [[nodiscard]] Observation Conclude(Deadline now, bool accepted, const std::string& what);

  PortProbe listening_;
  std::string title_;  // "connection to port 8080"
  int family_;
  process::FileDescriptor socket_;  // while an attempt is under way
  Attempts attempts_;
  Observation seen_;
};

}  // namespace curfew::readiness
