// SPDX-License-Identifier: Apache-2.0
#include "process/owner_status.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "procfs/text.h"

namespace curfew::process {
namespace {

// linux/pidfd.h of 6.15 in its first version; distributions' headers are older.
struct PidfdInfo {
  std::uint64_t mask = 0;
  std::uint64_t cgroup = 0;
  std::uint32_t ids[11] = {};
  std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kInfoExit = 1U << 3U;

std::optional<ExitStatus> FromWait(int status) {
  if (!WIFEXITED(status) && !WIFSIGNALED(status)) return std::nullopt;
  return ExitStatus::FromWaitStatus(status);
}

std::optional<ExitStatus> OfCollected(const Pidfd& process) {
  PidfdInfo info;
  info.mask = kInfoExit;
  if (::ioctl(process.get(), _IOWR(0xFF, 11, PidfdInfo), &info) != 0 || (info.mask & kInfoExit) == 0)
    return std::nullopt;
  return FromWait(info.exit_code);
}

std::optional<ExitStatus> OfZombie(const Pidfd& process) {
  // It may be collected while this is read.
  const auto text = procfs::ReadWhole("/proc/" + std::to_string(process.pid()) + "/stat");
  // Not yet collected, so the number was its own when the file was read.
  if (!text || process.Signal(0) != 0) return std::nullopt;
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(name_end + 1));
  std::string field;
  constexpr int kFirst = 3;  // state
  constexpr int kExitCode = 52;
  for (int number = kFirst; number <= kExitCode; ++number) {
    if (!(fields >> field)) return std::nullopt;
    if (number == kFirst && field != "Z") return std::nullopt;
  }
  return FromWait(std::atoi(field.c_str()));
}

}  // namespace

std::optional<ExitStatus> StatusOfOther(const Pidfd& process) {
  if (!process.Ended()) return std::nullopt;
  if (auto status = OfZombie(process)) return status;
  return OfCollected(process);
}

}  // namespace curfew::process
