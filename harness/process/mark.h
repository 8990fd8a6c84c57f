// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "procfs/proc.h"

namespace curfew::process {

inline constexpr const char* kMarkVariable = "CURFEW_MARK";
inline constexpr const char* kOwnerVariable = "CURFEW_OWNER";

// The variable CURFEW_MARK: "run/test/server", the last two empty for what is not of a test or server.
struct Mark {
  std::string run;
  std::string test;  // may hold slashes, as the names of parameterised tests do
  std::string server;

  [[nodiscard]] static std::optional<Mark> Parse(std::string_view text);
  [[nodiscard]] static std::optional<Mark> Read(const procfs::Proc& proc, pid_t pid);
};

// The variable CURFEW_OWNER: the process a run belongs to, as "pid@start ticks@pid namespace". It tells whether a run
// that is known by its mark alone has lost its owner.
struct Owner {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string name_space;  // "pid:[4026531836]": the same number means another process in another one

  [[nodiscard]] static std::optional<Owner> OfSelf(const procfs::Proc& proc);
  [[nodiscard]] static std::optional<Owner> Parse(std::string_view text);
  [[nodiscard]] static std::optional<Owner> Read(const procfs::Proc& proc, pid_t pid);
  [[nodiscard]] std::string ToString() const;
  // Nothing where it cannot be told: another namespace.
  [[nodiscard]] std::optional<bool> Alive(const procfs::Proc& proc) const;
};

}  // namespace curfew::process
