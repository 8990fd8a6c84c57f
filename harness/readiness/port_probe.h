// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// Somebody of the server's tree listens on the port, or is bound to it. Connects to nothing, sends nothing.
class PortProbe final : public Probe {
 public:
  enum class Protocol { kTcp, kUdp };

  PortProbe(Protocol protocol, const std::string& port_name, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  // A verdict that waits for a process to end or to be forked does not come by listening.
  [[nodiscard]] bool OnlyListeningMatters() const override {
    return protocol_ == Protocol::kTcp && !found_;
  }
  void ListenComes() override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  [[nodiscard]] Observation Ask();
  [[nodiscard]] Observation Judge(const std::vector<ListeningSocket>& sockets);

  Protocol protocol_;
  std::uint16_t port_;
  std::string title_;  // "port 8080"
  ListenerTable& listeners_;
  std::set<std::uint64_t> holds_;
  OwnerCheck owner_;
  Observation seen_;
  bool found_ = false;  // somebody listens
};

}  // namespace curfew::readiness
