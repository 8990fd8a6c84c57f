// SPDX-License-Identifier: Apache-2.0
#include "process/mark.h"

#include <unistd.h>

#include "procfs/text.h"

namespace curfew::process {

std::optional<Mark> Mark::Parse(std::string_view text) {
  const auto first = text.find('/');
  const auto last = text.rfind('/');
  if (first == std::string_view::npos || first == last || first == 0) return std::nullopt;
  return Mark{std::string(text.substr(0, first)), std::string(text.substr(first + 1, last - first - 1)),
              std::string(text.substr(last + 1))};
}

std::optional<Mark> Mark::Read(const procfs::Proc& proc, pid_t pid) {
  const auto text = proc.FindInEnviron(pid, kMarkVariable);
  return text ? Parse(*text) : std::nullopt;
}

std::optional<Owner> Owner::OfSelf(const procfs::Proc& proc) {
  const auto stat = proc.ReadStat(::getpid());
  auto name_space = proc.ReadLink(::getpid(), "ns/pid");
  if (!stat || !name_space) return std::nullopt;
  return Owner{stat->pid, stat->start_ticks, std::move(*name_space)};
}

std::optional<Owner> Owner::Parse(std::string_view text) {
  const auto pid = procfs::ParseNumber<pid_t>(procfs::TakeUntil(text, '@'));
  const auto start = procfs::ParseNumber<std::uint64_t>(procfs::TakeUntil(text, '@'));
  if (!pid || *pid <= 0 || !start || text.empty()) return std::nullopt;
  return Owner{*pid, *start, std::string(text)};
}

std::optional<Owner> Owner::Read(const procfs::Proc& proc, pid_t pid) {
  const auto text = proc.FindInEnviron(pid, kOwnerVariable);
  return text ? Parse(*text) : std::nullopt;
}

std::string Owner::ToString() const {
  return std::to_string(pid) + '@' + std::to_string(start_ticks) + '@' + name_space;
}

std::optional<bool> Owner::Alive(const procfs::Proc& proc) const {
  if (proc.ReadLink(::getpid(), "ns/pid") != name_space) return std::nullopt;
  const auto stat = proc.ReadStat(pid);
  return stat && stat->start_ticks == start_ticks && !stat->zombie();
}

}  // namespace curfew::process
