// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "readiness/discover_probe.h"
#include "readiness/probe.h"

namespace curfew::readiness {

// Discovers the ports of a server, and then asks the probe that is made for these numbers. When the server listens on
// one of them no more (a socket for its own start-up, a port it has moved away from) both begin anew, so that a server
// that is ready listens on what was discovered.
//
// Takes in what the server tells by notification while its ports are not known: else that would pile up and, in the
// end, block it.
class DiscoverFirst final : public Probe {
 public:
  using Numbers = std::map<std::string, std::uint16_t>;
  using MakeNext = std::function<std::unique_ptr<Probe>(const Numbers&)>;

  // `make_next` may be called several times; the probe of the time before is gone by then.
  DiscoverFirst(std::unique_ptr<DiscoverProbe> discover, MakeNext make_next, const Subject& subject);

  [[nodiscard]] Observation Look(Deadline now) override;
  void AddDescriptors(std::vector<pollfd>& descriptors) const override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  [[nodiscard]] bool Busy() const override { return next_ && next_->Busy(); }
  [[nodiscard]] bool OnlyListeningMatters() const override { return !next_ || next_->OnlyListeningMatters(); }
  void ListenComes() override;
  [[nodiscard]] std::optional<Deadline> Extension() const override;
  [[nodiscard]] std::optional<std::string> Stranger() override;
  void AppendSeen(std::vector<Observation>& seen) const override;

 private:
  [[nodiscard]] Observation DiscoverAndLook(Deadline now);

  std::unique_ptr<DiscoverProbe> discover_;
  MakeNext make_next_;
  std::vector<std::unique_ptr<Probe>> beside_;  // those of notification
  std::unique_ptr<Probe> next_;
  Deadline checked_;  // when the ports were seen to be there
};

}  // namespace curfew::readiness
