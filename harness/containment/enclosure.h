// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace curfew::containment {

// A kernel object that holds a tree whatever its members do, and can kill all of them without finding them first:
// a cgroup leaf. On top of lineage and tag, never instead: a privileged member can leave one.
class Enclosure {
 public:
  virtual ~Enclosure() = default;
  // SIGKILL to everything inside. Returns at once; to be repeated until Populated() is false: one call was seen to
  // miss a fork in flight.
  virtual void Kill() const = 0;
  // Whether anything inside is alive. Zombies are not.
  [[nodiscard]] virtual bool Populated() const = 0;
};

}  // namespace curfew::containment
