// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// A stream socket at the path accepts a connection, and it was a process of the server's tree that listened
// on it. The connection is closed at once.
class UnixProbe final : public Probe {
 public:
  UnixProbe(std::filesystem::path path, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

  // What bind(2) and connect(2) take at most, without the final NUL (unix(7)).
  static constexpr std::size_t kLongestPath = 107;

 private:
  [[nodiscard]] Observation Ask() const;
  [[nodiscard]] Observation Judge(int connected) const;

  std::filesystem::path path_;
  std::string title_;  // "socket /tmp/x/s"
  const procfs::Proc& proc_;
  OwnerCheck owner_;
  Observation seen_;
};

}  // namespace curfew::readiness
