// SPDX-License-Identifier: Apache-2.0
#include "readiness/loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace curfew::readiness {

process::Result<process::FileDescriptor> BeginConnection(int family, std::uint16_t port) {
  process::FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return process::Failure{"connect", errno};
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result = family == AF_INET6
                         ? ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6)
                         : ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  if (result != 0 && errno != EINPROGRESS) return process::Failure{"connect", errno};
  return socket;
}

}  // namespace curfew::readiness
