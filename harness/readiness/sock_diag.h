// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "process/file_descriptor.h"
#include "process/result.h"
#include "readiness/listeners.h"

namespace curfew::readiness {

// Asks the kernel about listening TCP sockets by netlink (sock_diag(7)), over one descriptor.
// Threads: one at a time. Blocks: never; the kernel answers within the call that asks.
class SockDiag {
 public:
  // Fails where questions of this kind are not answered: no such netlink family, a seccomp filter, no
  // inet_diag module. Tried out before it is believed, since without the module the exact question is
  // answered as if nobody listened.
  [[nodiscard]] static process::Result<SockDiag> Open();
  // By a NETLINK_SOCK_DIAG socket that was made in another network namespace: it asks about that one.
  [[nodiscard]] static process::Result<SockDiag> Over(process::FileDescriptor socket);

  // The socket that a connection to loopback (127.0.0.1 or ::1, by family) would reach: about 2 us.
  // `ipv4`: another address than 127.0.0.1, in the machine's byte order.
  [[nodiscard]] process::Result<std::optional<ListeningSocket>> Exact(int family, std::uint16_t port,
                                                                      std::uint32_t ipv4 = 0x7F000001);
  // Every listening socket of this port, or of every port (0), whatever its address. Walks all listening sockets: 30 us
  // and more. AF_UNSPEC: of both families, where the kernel answers such questions.
  [[nodiscard]] process::Result<std::vector<ListeningSocket>> All(int family, std::uint16_t port);

  // Every socket that keeps others from binding this port: listening, only bound (since Linux 6.8), connected, or in
  // TIME_WAIT (inode 0). For evidence: walks the kernel's whole table of connections. `protocol`: IPPROTO_TCP or _UDP.
  [[nodiscard]] process::Result<std::vector<ListeningSocket>> Users(int family, std::uint16_t port, int protocol);

  // The state of a socket that is bound and does nothing (TCP_BOUND_INACTIVE of the kernel's tcp_states.h).
  static constexpr int kBoundInactive = 13;

  [[nodiscard]] bool has_ipv6() const { return has_ipv6_; }

 private:
  explicit SockDiag(process::FileDescriptor socket) : socket_(std::move(socket)) {}

  // Sends the question for sockets in these states (a mask; 0: the exact question); 0 or the errno.
  [[nodiscard]] int Ask(int family, std::uint16_t port, std::uint32_t states, int protocol, std::uint32_t ipv4 = 0);
  // Reads the answer to the last question into `found`; 0 or the errno. ENOENT: there is none.
  [[nodiscard]] int Answer(std::uint32_t states, std::vector<ListeningSocket>& found);
  [[nodiscard]] process::Result<std::vector<ListeningSocket>> Dump(int family, std::uint16_t port, std::uint32_t states,
                                                                   int protocol);

  process::FileDescriptor socket_;
  std::uint32_t sequence_ = 0;
  bool has_ipv6_ = false;
};

}  // namespace curfew::readiness
