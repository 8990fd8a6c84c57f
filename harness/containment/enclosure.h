// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include "process/seal.h"

namespace curfew::containment {

// A kernel object that holds a tree whatever its members do, and can kill all of them without finding them first:
// a cgroup leaf, a sealed PID namespace. On top of lineage and tag, never instead: a privileged member can leave a
// cgroup.
class Enclosure {
 public:
  virtual ~Enclosure() = default;
  // SIGKILL to everything inside. Returns at once; to be repeated until Populated() is false: one call was seen to
  // miss a fork in flight.
  virtual void Kill() const = 0;
  // Whether anything inside is alive. Zombies are not.
  [[nodiscard]] virtual bool Populated() const = 0;
};

class SealEnclosure : public Enclosure {
 public:
  explicit SealEnclosure(const process::Seal& seal) : seal_(seal) {}
  void Kill() const override { static_cast<void>(seal_.init().Signal(SIGKILL)); }
  // Until the init is gone, too.
  [[nodiscard]] bool Populated() const override { return !seal_.init().Ended(); }

 private:
  const process::Seal& seal_;
};

}  // namespace curfew::containment
