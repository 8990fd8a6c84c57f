// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace curfew {

// A TCP socket on which a process of the server listens.
struct Listening {
  std::string address;  // "127.0.0.1", "0.0.0.0", "::1", "::"
  std::uint16_t port = 0;  // its number
  pid_t pid = 0;  // a process that holds the socket
};

// Where the number of a {port} or {port:NAME} comes from. Reserved, if ServerSpec::ports does not say otherwise: a
// number that nobody else on this machine is given until the server is stopped for good, other test programs included.
//
//   ServerSpec{.command = {"server", "--listen", "127.0.0.1:0"}, .ports = {{"", Port::Discover()}}};
//   ServerSpec{.command = {"server", "--listen", "{port}"}, .ports = {{"", 8080}}};  // of your own choice
class Port {
 public:
  enum class Kind { kReserved, kReservedUdp, kFixed, kDiscovered };  // as the functions below are called
  using Predicate = std::function<bool(const Listening&)>;  // tells the port that is meant from others

  Port() = default;
  // This number, 1 to 65535. Two servers can then not run at once, unless they have a private_address or a private
  // network: the second is refused (kPortTaken), and told who has it.
  Port(int number) : kind_(Kind::kFixed), number_(number) {}  // NOLINT(google-explicit-constructor): reads as a number
  // A reserved UDP port. Sockets that share it by SO_REUSEADDR get their datagrams; nothing is held by Curfew that
  // reads.
  [[nodiscard]] static Port Udp() { return Port(Kind::kReservedUdp, 0, {}); }
  // The server binds port 0 and has its number from the kernel; the placeholder becomes 0. The number is read from the
  // listening sockets of the server's tree: the n-th of them, from 0, in the order of the leader's descriptors (that in
  // which it opened them), then of its other processes. Sockets on one number (IPv4 and IPv6) count once, and
  // reserved and fixed ports of the same spec do not count. The start waits until there are as many. A restart may
  // bring another number.
  [[nodiscard]] static Port Discover(int n = 0) { return Port(Kind::kDiscovered, n, {}); }
  // The same, the first for which the function is true. It is called on the thread that calls Server::Start.
  [[nodiscard]] static Port Discover(Predicate matches) { return Port(Kind::kDiscovered, 0, std::move(matches)); }

  [[nodiscard]] Kind kind() const { return kind_; }  // which of them made it
  // The fixed number, or which of the discovered.
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const Predicate& matches() const { return matches_; }

 private:
  Port(Kind kind, int number, Predicate matches) : kind_(kind), number_(number), matches_(std::move(matches)) {}

  Kind kind_ = Kind::kReserved;
  int number_ = 0;
  Predicate matches_;
};

}  // namespace curfew
