// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace curfew::containment {

// How much stands around a server's tree. CURFEW_CONTAINMENT chooses it for a whole run:
//   auto    a cgroup where one can be made; sealed where the spec asks for it (the default)
//   basic   lineage and tag alone, whatever a spec asks for
//   cgroup  as auto, and a server that cannot have a cgroup does not start
//   sealed  every server sealed; one that cannot be does not start
enum class Level { kAuto, kBasic, kCgroup, kSealed };

[[nodiscard]] std::optional<Level> ParseLevel(std::string_view text);
[[nodiscard]] std::string ToString(Level level);

// What CURFEW_CONTAINMENT says; kAuto where it is not set. Nothing if it is none of the words.
[[nodiscard]] std::optional<Level> LevelOfEnvironment();

}  // namespace curfew::containment
