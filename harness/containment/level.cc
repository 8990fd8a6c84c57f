// SPDX-License-Identifier: Apache-2.0
#include "containment/level.h"

#include <cstdlib>
#include <utility>

namespace curfew::containment {
namespace {

constexpr std::pair<Level, std::string_view> kNames[] = {
    {Level::kAuto, "auto"}, {Level::kBasic, "basic"}, {Level::kCgroup, "cgroup"}, {Level::kSealed, "sealed"}};

}  // namespace

std::optional<Level> ParseLevel(std::string_view text) {
  for (const auto& [level, name] : kNames) {
    if (name == text) return level;
  }
  return std::nullopt;
}

std::string ToString(Level level) {
  for (const auto& [known, name] : kNames) {
    if (known == level) return std::string(name);
  }
  return "?";
}

std::optional<Level> LevelOfEnvironment() {
  const char* const value = std::getenv("CURFEW_CONTAINMENT");
  if (value == nullptr || *value == '\0') return Level::kAuto;
  return ParseLevel(value);
}

}  // namespace curfew::containment
