// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process/result.h"
#include "procfs/proc.h"

namespace curfew::readiness {

// One listening TCP socket that a connection to this machine's loopback may reach.
struct ListeningSocket {
  std::string address;  // "127.0.0.1", "0.0.0.0", "::1", "::"
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  uid_t uid = 0;
  int state = 10;  // TCP_LISTEN; others only from SockDiag::Users

  bool ipv6_only = false;  // of "::", if it is known: IPV6_V6ONLY
  std::string where = {};  // " in a network namespace of its own", if nobody here can reach it

  // Whether what is sent to an IPv4 address may end here.
  [[nodiscard]] bool ReachedByIpv4() const;
  // "127.0.0.1:8080", "[::1]:8080", and `where`.
  [[nodiscard]] std::string ToString() const;
};

// The seam between the probes and the kernel's table of sockets; unit tests put a table of their own in.
class ListenerTable {
 public:
  virtual ~ListenerTable() = default;
  // Every listening socket that a connection to 127.0.0.1:port or [::1]:port may reach, all members of a
  // SO_REUSEPORT group included. Empty while nobody listens. Connects to nothing.
  [[nodiscard]] virtual process::Result<std::vector<ListeningSocket>> On(std::uint16_t port) = 0;
  // Somebody is about to listen on the port: takes note of who does so far. If that is nobody, On() does for a moment
  // (2 ms) without the list of all, which takes longer than everything else, and shows whom a connection would reach.
  virtual void ListenComes(std::uint16_t /*port*/) {}
  // Those of every port.
  [[nodiscard]] virtual process::Result<std::vector<ListeningSocket>> All() {
    return process::Failure{.operation = "list every listening socket", .error = ENOTSUP};
  }
  // "asking" or "reading".
  [[nodiscard]] virtual std::string way() const { return "asking"; }
};

// The real table: sock_diag(7), 2 us a question, or where that is refused (a seccomp filter, gVisor, no
// inet_diag module) /proc/net/tcp{,6}, which costs milliseconds. `proc` must outlive it.
// `host`: 127.0.0.1, which stands for ::1 too, or another IPv4 address of this machine.
// Threads: one at a time.
[[nodiscard]] std::unique_ptr<ListenerTable> MakeListenerTable(const procfs::Proc& proc,
                                                               const std::string& host = "127.0.0.1");
class SockDiag;
// The same by this one.
[[nodiscard]] std::unique_ptr<ListenerTable> MakeDiagTable(SockDiag diag, const std::string& host = "127.0.0.1");
// The fall-back alone.
[[nodiscard]] std::unique_ptr<ListenerTable> MakeProcListenerTable(const procfs::Proc& proc,
                                                                   const std::string& host = "127.0.0.1");
// The same for UDP: every socket that is bound to the port and connected to nobody, by sock_diag or, where that is
// refused, from /proc/net/udp{,6}.
[[nodiscard]] std::unique_ptr<ListenerTable> MakeUdpTable(const procfs::Proc& proc);
[[nodiscard]] std::unique_ptr<ListenerTable> MakeProcUdpTable(const procfs::Proc& proc);

// Whether what is sent to 127.0.0.1 or ::1 may end at a socket bound to this address.
[[nodiscard]] bool ReachedByLoopback(std::string_view address);

}  // namespace curfew::readiness
