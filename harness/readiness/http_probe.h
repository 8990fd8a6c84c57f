// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "readiness/http_attempt.h"
#include "readiness/probe.h"
#include "readiness/tcp_probe.h"

namespace curfew::readiness {

// GET path is answered with a status in the range, by a socket that is the server's: that is proven before
// anything is sent. An attempt that has no answer within a second is given up and a new one begins; between
// two attempts there is a pause of 1 to 10 ms, which grows with the time waited, whatever else happens, since
// a server that logs every request would else be asked because it logged that it was asked.
class HttpProbe final : public Probe {
 public:
  HttpProbe(std::string path, const Ready::HttpOptions& options, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return attempt_.has_value(); }
  [[nodiscard]] std::optional<std::string> Stranger() override { return listening_.Stranger(); }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask(Deadline now);
  [[nodiscard]] Observation GoOn(Deadline now);
  [[nodiscard]] Observation Conclude(Deadline now, const std::string& what);
  [[nodiscard]] bool Acceptable(int status) const;

  std::string path_;
  std::string title_;  // "GET /health"
  Ready::HttpOptions options_;
  TcpProbe listening_;
  int family_;
  std::optional<HttpAttempt> attempt_;
  Deadline attempt_ends_;
  std::optional<Deadline> first_attempt_;
  std::optional<Deadline> next_attempt_;
  Observation seen_;
};

}  // namespace curfew::readiness
