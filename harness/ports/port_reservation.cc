// SPDX-License-Identifier: Apache-2.0
#include "ports/port_reservation.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

namespace curfew::ports {
namespace {

using process::Failure;
using process::FileDescriptor;
using process::Result;

int SetOption(const FileDescriptor& socket, int level, int option, int value) {
  return ::setsockopt(socket.get(), level, option, &value, sizeof value) == 0 ? 0 : errno;
}

template <class Address>
int Bind(const FileDescriptor& socket, const Address& address) {
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int BindEverywhere(const FileDescriptor& socket, std::uint16_t port) {
  // Stated, since net.ipv6.bindv6only may have made "IPv6 only" the default.
  if (const int error = SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0)) return error;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  return Bind(socket, address);
}

int BindIpv4(const FileDescriptor& socket, const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (!host.empty() && ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return EINVAL;
  return Bind(socket, address);
}

// The bound socket, or the errno. Without any reuse option yet: this is what refuses a second harness.
int Hold(int family, const std::string& host, std::uint16_t port, Protocol protocol, FileDescriptor& socket) {
  const int type = protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  socket.Reset(::socket(family, type | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno;
  return family == AF_INET6 ? BindEverywhere(socket, port) : BindIpv4(socket, host, port);
}

// A network device that the loopback's traffic does not come in by; one that is down, if there is. Empty if there is
// none.
std::string FindOtherDevice() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if ((one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const bool down = (one->ifa_flags & IFF_UP) == 0;
    if (found.empty() || down) found = one->ifa_name;
    if (down) break;
  }
  ::freeifaddrs(all);
  return found;
}

// No datagram of the loopback is for a socket of another device, while its number stays taken on every device. Without
// this it got all that is meant for a server on [::] with SO_REUSEPORT, which the kernel asks last. Where there is
// no other device, or no right to name one (Linux before 5.7), that hole stays.
void KeepOffTheLoopback(const FileDescriptor& socket) {
  const std::string device = FindOtherDevice();
  if (device.empty()) return;
  static_cast<void>(
      ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(), static_cast<socklen_t>(device.size())));
}

// Whether the error says that this machine has no IPv6, and not that the number is taken.
bool MeansNoIpv6(int error) {
  return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL || error == EPERM;
}

constexpr int kTriesOutsideTheRange = 1000;

// A number from 1024 up, whoever may have it.
std::uint16_t DrawUnprivileged() {
  std::uint32_t random = 0;
  static_cast<void>(::getrandom(&random, sizeof random, 0));
  return static_cast<std::uint16_t>(1024 + random % (65536 - 1024));
}

std::uint16_t BoundPort(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  // The port stands at the same place in sockaddr_in and sockaddr_in6.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Result<FileDescriptor> HoldNumber(std::uint16_t port, Protocol protocol, const std::string& host) {
  FileDescriptor socket;
  int error = host.empty() ? Hold(AF_INET6, host, port, protocol, socket) : EAFNOSUPPORT;
  if (MeansNoIpv6(error)) error = Hold(AF_INET, host, port, protocol, socket);
  // Only now: with these set before, a second harness would have been let in.
  if (error == 0) error = SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (error == 0 && protocol == Protocol::kTcp) error = SetOption(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (error == 0 && protocol == Protocol::kUdp) KeepOffTheLoopback(socket);
  if (error == 0) return socket;
  const std::string name = protocol == Protocol::kTcp ? "TCP port" : "UDP port";
  return Failure{(port == 0 ? "reserve a " + name : "reserve " + name + ' ' + std::to_string(port)) +
                     (host.empty() ? "" : " on " + host),
                 error};
}

}  // namespace

Result<PortReservation> PortReservation::Any(Protocol protocol, const std::string& address) {
  Result<PortReservation> reserved = Of(0, protocol, address);
  // The range is used up: it may have been made small, and test programs are many.
  for (int i = 0; !reserved.ok() && reserved.failure().error == EADDRINUSE && i < kTriesOutsideTheRange; ++i) {
    Result<PortReservation> other = Of(DrawUnprivileged(), protocol, address);
    if (other.ok()) return other;
  }
  return reserved;
}

std::uint64_t PortReservation::inode() const {
  struct stat status {};
  return ::fstat(socket_.get(), &status) == 0 ? status.st_ino : 0;
}

Result<PortReservation> PortReservation::Of(std::uint16_t port, Protocol protocol, const std::string& address) {
  Result<FileDescriptor> socket = HoldNumber(port, protocol, address);
  if (!socket.ok()) return socket.failure();
  const std::uint16_t held = port != 0 ? port : BoundPort(*socket);
  return PortReservation(std::move(*socket), held);
}

}  // namespace curfew::ports
