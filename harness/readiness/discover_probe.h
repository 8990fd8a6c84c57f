// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <curfew/port.h>

#include "readiness/probe.h"

namespace curfew::readiness {

// Waits until the server's tree listens on as many ports as are to be discovered, and tells their numbers.
class DiscoverProbe final : public Probe {
 public:
  // `known`: ports of the server that are not to be discovered.
  DiscoverProbe(std::map<std::string, Port> wanted, std::set<std::uint16_t> known, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] bool OnlyListeningMatters() const override { return true; }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

  // The number of each name; whole once a look was satisfied.
  [[nodiscard]] const std::map<std::string, std::uint16_t>& found() const { return found_; }
  // Whether the tree listens still on every number that was found. True where that cannot be asked.
  [[nodiscard]] bool StillThere() const;

 private:
  // What the tree listens on, each port once, in the order of Port::Discover.
  [[nodiscard]] std::vector<Listening> Ours(const std::vector<ListeningSocket>& sockets) const;

  std::map<std::string, Port> wanted_;
  std::set<std::uint16_t> known_;
  const TreeView& tree_;
  const procfs::Proc& proc_;
  ListenerTable& listeners_;
  std::string host_;
  std::map<std::string, std::uint16_t> found_;
  Observation seen_;
};

}  // namespace curfew::readiness
