// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "readiness/attempts.h"
#include "readiness/http_attempt.h"
#include "readiness/pattern.h"
#include "readiness/port_probe.h"
#include "readiness/probe.h"

namespace curfew::readiness {

// A request is answered as the options ask, by a socket that is the server's: that is proven before anything is
// sent, to a redirection's target too, and that nobody else has come between is seen once more when the answer will do.
// A body that has no end is waited for no longer than a second once it says all that is wanted. An attempt that has no
// answer within its time is given up and a new one begins; between two attempts there is a pause of 1 to 10 ms, which
// grows with the time waited.
class HttpProbe final : public Probe {
 public:
  enum class Scheme { kHttp, kHttps };

  HttpProbe(Scheme scheme, const std::string& path, const Ready::HttpOptions& options, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return attempt_.has_value(); }
  [[nodiscard]] std::optional<std::string> Stranger() override { return listening_.Stranger(); }
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask(Deadline now);
  [[nodiscard]] Observation GoOn(Deadline now);
  // There is an answer: follows it if it leads elsewhere, else judges it.
  [[nodiscard]] Observation Answered(Deadline now, const std::string& what);
  [[nodiscard]] Observation Follow(Deadline now, const std::string& what);
  [[nodiscard]] Observation Conclude(Deadline now, bool satisfied, const std::string& what);
  // The attempt is over since a stranger listens.
  [[nodiscard]] Observation ConcludeTaken(Deadline now, Observation listening);
  // When what is known of the answer has to do.
  [[nodiscard]] Deadline Enough(Deadline now);
  // What is wrong with the answer, reading on after its status (which may say it all); nothing if it will do.
  [[nodiscard]] std::optional<std::string> FindFault() const;
  [[nodiscard]] bool Acceptable(int status) const;

  Scheme scheme_;
  HttpQuestion question_;
  std::string title_;  // "GET /health"
  Ready::HttpOptions options_;
  std::optional<Pattern> pattern_;
  PortProbe listening_;
  int family_;
  std::optional<HttpAttempt> attempt_;
  std::string target_;    // of the request under way
  std::string followed_;  // ", redirected to /login", as far as this attempt has been
  int redirects_ = 0;
  std::optional<Deadline> good_until_;  // the answer so far would do; its end is waited for until then
  std::optional<Deadline> deadline_;    // of the whole start
  Attempts attempts_;
  Observation seen_;
};

// The target that an answer with this Location leads to on the same server; nothing if it leads to another, or is no
// location. `from` is the target of the request. Exposed for its tests.
[[nodiscard]] std::optional<std::string> ResolveLocation(const std::string& location, const std::string& from,
                                                         HttpProbe::Scheme scheme, std::uint16_t port);

}  // namespace curfew::readiness
