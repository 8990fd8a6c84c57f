// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/ready.h>

#include "process/clock.h"
#include "procfs/proc.h"
#include "readiness/listeners.h"
#include "readiness/owner.h"

namespace curfew::readiness {

// What one look showed.
struct Observation {
  bool satisfied = false;
  // For people, complete by itself: "GET /health: 503 Service Unavailable".
  std::string saw;
  // Set when a stranger has what the server needs; names him: "port 8080 is held by pid 4711 (nginx ...)".
  std::optional<std::string> taken;
};

// What is there to be seen of a probe that has not looked: the server died before it was asked.
[[nodiscard]] inline Observation NotAsked(const std::string& title) {
  return {.satisfied = false, .saw = title + ": not asked yet", .taken = {}};
}

// One thing that has to be true before a server is ready. Looking never blocks (When()'s function excepted)
// and never throws for what the server does.
// Threads: one at a time.
class Probe {
 public:
  virtual ~Probe() = default;

  // Asks now. A probe that needs several exchanges moves on as far as it can without waiting.
  [[nodiscard]] virtual Observation Look(Deadline now) = 0;
  // Appends the descriptors on which something may happen that makes a look worth while.
  virtual void AddDescriptors(std::vector<pollfd>&) const {}
  // When it has to be looked at again whatever else happens: an attempt ends, there is more to read.
  [[nodiscard]] virtual std::optional<Deadline> WantsLook() const { return std::nullopt; }
  // An exchange is under way whose end will be seen by looking again.
  [[nodiscard]] virtual bool Busy() const { return false; }
  // Whether nothing but a listen(2) of the server can satisfy it.
  [[nodiscard]] virtual bool OnlyListeningMatters() const { return false; }
  // Whether a stranger has what the server needs: asked when the server has died, to say why.
  [[nodiscard]] virtual std::optional<std::string> Stranger() { return std::nullopt; }
  // Appends what was last seen: one observation, or one for each part.
  virtual void AppendSeen(std::vector<Observation>& seen) const = 0;
};

// Everything the probes of one start look at. What is pointed to must outlive them.
struct Subject {
  ServerAddress address;
  std::filesystem::path log;
  std::uint64_t log_offset = 0;  // where this start's output begins
  const TreeView* tree = nullptr;
  const procfs::Proc* proc = nullptr;
  ListenerTable* listeners = nullptr;
};

// The probe for a spec's Ready, whose subjects are expanded and for which FindProblem found none.
[[nodiscard]] std::unique_ptr<Probe> MakeProbe(const Ready& ready, const Subject& subject);

// Asks each part once, waiting for nothing but exchanges under way (an HTTP attempt may take a second). Empty
// if the probe is satisfied, else what each part saw.
[[nodiscard]] std::vector<Observation> AskOnce(Probe& probe,
                                               const process::Clock& clock = process::Clock::Steady());

}  // namespace curfew::readiness
