// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// A stream socket at the address accepts a connection, which is closed at once, or a datagram socket is bound to it,
// to which nothing is sent. It was a process of the server's tree that listened, or one of the tree holds the socket.
class UnixProbe final : public Probe {
 public:
  enum class Type { kStream, kDatagram };

  UnixProbe(Type type, UnixAddress address, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask();
  // By the process that called listen(2), as the kernel tells whoever connects.
  [[nodiscard]] Observation JudgePeer(int connected);
  // By who holds the socket now.
  [[nodiscard]] Observation JudgeHolder(const std::string& why_not_peer);

  Type type_;
  UnixAddress address_;
  std::string title_;  // "socket /tmp/x/s"
  const procfs::Proc& proc_;
  UnixTable& table_;
  OwnerCheck owner_;
  bool table_shows_it_ = false;  // the last look at it
  bool accepted_ = false;        // a connection, at an earlier look
  Observation seen_;
};

}  // namespace curfew::readiness
