// SPDX-License-Identifier: Apache-2.0
#include "process/tag.h"

#include <sys/random.h>
#include <sys/resource.h>

#include <cassert>
#include <cerrno>
#include <cstdio>

namespace curfew::process {
namespace {

constexpr unsigned kSlotBits = 13;
constexpr unsigned kRunBits = 40;
constexpr std::uint64_t kSlots = std::uint64_t{1} << kSlotBits;
constexpr std::uint64_t kRuns = std::uint64_t{1} << kRunBits;
// Ten bits, neither all ones (somebody's INT64_MAX) nor leading zeros (somebody's modest limit).
constexpr std::uint64_t kOurs = 0x2CF;

constexpr std::uint64_t Value(std::uint64_t run, std::uint64_t slot) {
  return (kOurs << kRunBits | run) << kSlotBits | slot;
}
constexpr std::uint64_t RunOf(std::uint64_t value) {
  return value >> kSlotBits & (kRuns - 1);
}
constexpr std::uint64_t kHighest = Value(kRuns - 1, kSlots - 1);

static_assert(kHighest >> 63 == 0, "programs that keep a limit in a signed number would see it as negative");
static_assert(Tag::kTestProgram == kSlots - 1);

// A number in [first, last]. The remainder favours low numbers by less than one in 2^24: no matter here.
std::optional<std::uint64_t> Draw(std::uint64_t first, std::uint64_t last) {
  std::uint64_t random = 0;
  // Up to 256 bytes come whole, and signals do not interrupt them (getrandom(2)).
  if (::getrandom(&random, sizeof random, 0) != sizeof random) return std::nullopt;
  return first + random % (last - first + 1);
}

}  // namespace

std::optional<Tag> Tag::ForNewRun(std::uint64_t ceiling) {
  std::uint64_t first = kRuns / 2;
  std::uint64_t last = kRuns - 1;
  if (ceiling <= kHighest) {
    const std::optional<Tag> outer = FromValue(ceiling);
    if (!outer || RunOf(ceiling) == 0) return std::nullopt;
    // The upper half of what is left, so that there is room for 39 runs inside each other.
    first = RunOf(ceiling) / 2;
    last = RunOf(ceiling) - 1;
  }
  const std::optional<std::uint64_t> run = Draw(first, last);
  if (!run) return std::nullopt;
  return Tag(Value(*run, kTestProgram));
}

std::optional<Tag> Tag::FromValue(std::uint64_t value) {
  if (value >> (kRunBits + kSlotBits) != kOurs) return std::nullopt;
  return Tag(value);
}

Tag Tag::WithSlot(std::uint32_t slot) const {
  assert(slot < kSlots && "a slot has 13 bits");
  return Tag(Value(RunOf(value_), slot));
}

std::uint32_t Tag::slot() const {
  return static_cast<std::uint32_t>(value_ & (kSlots - 1));
}

bool Tag::SameRun(Tag other) const {
  return RunOf(value_) == RunOf(other.value_);
}

std::string Tag::RunId() const {
  std::string id(13, '\0');  // one for snprintf's NUL
  // Ten digits hold the run; the other two make the number known as ours in a process list.
  std::snprintf(id.data(), id.size(), "cf%010llx", static_cast<unsigned long long>(RunOf(value_)));
  id.pop_back();
  return id;
}

int ApplyTag(Tag tag) {
  const rlimit limit{.rlim_cur = tag.value(), .rlim_max = tag.value()};
  return ::setrlimit(RLIMIT_LOCKS, &limit) == 0 ? 0 : errno;
}

std::uint64_t TagCeiling() {
  rlimit limit{};
  // It fails for a wrong resource or address only; 0 then means no tag.
  return ::getrlimit(RLIMIT_LOCKS, &limit) == 0 ? limit.rlim_max : 0;
}

std::optional<Tag> ReadTag(const procfs::Proc& proc, pid_t pid) {
  if (pid <= 0) return std::nullopt;  // prlimit(2) takes 0 for the caller itself
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_LOCKS, nullptr, &limit) == 0) return Tag::FromValue(limit.rlim_cur);
  if (errno != EPERM) return std::nullopt;
  const std::optional<std::uint64_t> shown = proc.ReadLocksLimit(pid);
  return shown ? Tag::FromValue(*shown) : std::nullopt;
}

}  // namespace curfew::process
