// SPDX-License-Identifier: Apache-2.0
#include "procfs/own_view.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "procfs/text.h"

namespace curfew::procfs {
namespace {

constexpr const char* kAdvice = "; mount the right one: mount -t proc proc /proc, unshare --mount-proc";

// The numbers of this process, from the namespace of the mount inwards (proc_pid_status(5), NSpid). By a mount of our
// own namespace it has one; the link alone could agree by chance.
bool HasOneNumber(const Proc& proc) {
  const auto status = ReadWhole(proc.root().native() + "/self/status");
  std::string_view rest = status ? std::string_view(*status) : std::string_view();
  while (!rest.empty()) {
    auto line = TakeUntil(rest, '\n');
    if (!line.starts_with("NSpid:")) continue;
    line.remove_prefix(6);
    static_cast<void>(TakeWord(line));
    return TakeWord(line).empty();
  }
  return true;  // a kernel built without PID namespaces
}

}  // namespace

std::string WhyNotOurs(const Proc& proc) {
  const std::string root = proc.root();
  std::array<char, PATH_MAX> link{};
  const auto size = ::readlink((root + "/self").c_str(), link.data(), link.size());
  if (size < 0) {
    const char* const name = ::strerrorname_np(errno);
    return root + "/self cannot be read (" + (name == nullptr ? "?" : name) +
           "): no proc file system is mounted there, or one of a PID namespace that this process is not in" + kAdvice;
  }
  const std::string self(link.data(), static_cast<std::size_t>(size));
  if (self != std::to_string(::getpid()) || !HasOneNumber(proc)) {
    return root + " is that of another PID namespace: there this process is " + self + ", and here " +
           std::to_string(::getpid()) + kAdvice;
  }
  if (!proc.ReadStat(::getpid())) return root + " does not show this very process" + kAdvice;
  return "";
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace curfew::procfs
