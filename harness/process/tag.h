// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "process/result.h"
#include "procfs/proc.h"

namespace curfew::process {

// What every descendant of a run carries in RLIMIT_LOCKS: a limit the kernel has ignored since 2.4.25
// (getrlimit(2)), yet inherits through fork and exec, new sessions, cleared environments and other uids, and
// shows of every process, zombies included, in about a microsecond (prlimit(2)).
//
// 63 bits: a constant that says it is ours, the run, and within the run the slot. Without
// CAP_SYS_RESOURCE a limit can only be lowered, so a nested run draws its number below the one it finds, and
// within a run slots are handed out below the test program's own.
class Tag {
 public:
  static constexpr std::uint32_t kTestProgram = (1U << 13) - 1;  // the test program and what its bodies begin
  static constexpr std::uint32_t kCurfew = kTestProgram - 1;     // keeper and wardens
  static constexpr std::uint32_t kCommand = kCurfew - 1;         // the command of `curfew run` and what it begins
  static constexpr std::uint32_t kServers = kCommand;            // slots below this number: one per live server

  // A tag for a new run, drawn at random, for slot kTestProgram. `ceiling` is the present hard limit.
  // Nothing if there is no room below the ceiling: the run then does without tags.
  [[nodiscard]] static std::optional<Tag> ForNewRun(std::uint64_t ceiling);
  // The tag a limit's value stands for; nothing if it is not one of ours.
  [[nodiscard]] static std::optional<Tag> FromValue(std::uint64_t value);

  [[nodiscard]] Tag WithSlot(std::uint32_t slot) const;
  [[nodiscard]] std::uint64_t value() const { return value_; }
  [[nodiscard]] std::uint32_t slot() const;
  [[nodiscard]] bool SameRun(Tag other) const;
  // 12 hex digits that name the run.
  [[nodiscard]] std::string RunId() const;

  friend auto operator<=>(Tag, Tag) = default;

 private:
  explicit Tag(std::uint64_t value) : value_(value) {}
  std::uint64_t value_;
};

// Puts the tag on the calling process. Async-signal-safe. 0 or the errno of setrlimit(2).
[[nodiscard]] int ApplyTag(Tag tag);
// The calling process's present hard limit, the ceiling for a new run.
[[nodiscard]] std::uint64_t TagCeiling();
// The tag of a process: by prlimit(2), and where that is refused (another uid), from /proc/PID/limits.
[[nodiscard]] std::optional<Tag> ReadTag(const procfs::Proc& proc, pid_t pid);

}  // namespace curfew::process
