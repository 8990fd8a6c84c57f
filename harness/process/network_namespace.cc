// SPDX-License-Identifier: Apache-2.0
#include "process/network_namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "process/file_descriptor.h"

namespace curfew::process {
namespace {

Result<void> WriteOwn(const char* file, const std::string& text) {
  const FileDescriptor out(::open(file, O_WRONLY | O_CLOEXEC));
  if (out.valid() && ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
  return Failure{std::string("write ") + file, errno};
}

// One line: the same number inside and outside, and one of them.
std::string Map(unsigned id) { return std::to_string(id) + ' ' + std::to_string(id) + " 1"; }

Result<void> EnterWithNewUsers() {
  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return Failure{"make a user and a network namespace", errno};
  // Without this the kernel lets nobody write the map of groups (user_namespaces(7)).
  if (auto denied = WriteOwn("/proc/self/setgroups", "deny"); !denied.ok()) return denied;
  if (auto users = WriteOwn("/proc/self/uid_map", Map(uid)); !users.ok()) return users;
  return WriteOwn("/proc/self/gid_map", Map(gid));
}

}  // namespace

Result<void> EnterNewNetwork() {
  if (::unshare(CLONE_NEWNET) != 0) {
    if (errno != EPERM) return Failure{"make a network namespace", errno};
    if (auto entered = EnterWithNewUsers(); !entered.ok()) return entered;
  }
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::string("lo").copy(loopback.ifr_name, IFNAMSIZ - 1);
  if (!socket.valid() || ::ioctl(socket.get(), SIOCGIFFLAGS, &loopback) != 0)
    return Failure{"find the loopback", errno};
  loopback.ifr_flags = static_cast<short>(loopback.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) != 0) return Failure{"bring the loopback up", errno};
  return {};
}

}  // namespace curfew::process
