// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::ports {

enum class Protocol { kTcp, kUdp };

// A port number that is nobody else's for as long as this lives: on every address of this network
// namespace, IPv4 and IPv6, against every bind(2) that does not itself ask to share the number.
//
// The number is held by a bound socket that never listens. It is bound *without* options, so that a second
// harness that wants the same number is refused; only then does it get SO_REUSEADDR and SO_REUSEPORT, so
// that the server, which sets either of them, can bind over it, while the kernel counts the number as used
// and hands it to no bind(0) and no connect(2). There is no lock file, and nothing to clean up after a crash.
//
// The socket is dual-stack [::]. A hold on 0.0.0.0 or 127.0.0.1 serves the same servers, but the kernel then
// hands the number to strangers who bind [::1]:0: a client of "localhost" may reach them.
//
// A UDP number gets SO_REUSEADDR alone: with SO_REUSEPORT the kernel would give a share of the datagrams to the hold.
// And it is bound to another device than the loopback, if there is one, so that it gets none of the loopback's at all.
//
// Does not: help a server that sets neither option; its bind fails with EADDRINUSE. Nor keep out a stranger
// who names the number and sets SO_REUSEADDR before the server listens; readiness tells such a one from the
// server. Threads: a value to move about; one thread at a time.
class PortReservation {
 public:
  // A number of the kernel's choice, from net.ipv4.ip_local_port_range, or where that is used up any other from 1024
  // up. `address`: an IPv4 address to hold it on instead of all; "" for all.
  [[nodiscard]] static process::Result<PortReservation> Any(Protocol protocol = Protocol::kTcp,
                                                            const std::string& address = "");
  // This number; 0 is Any(). EADDRINUSE when anyone in this network namespace has it, EACCES for a privileged
  // one.
  [[nodiscard]] static process::Result<PortReservation> Of(std::uint16_t port, Protocol protocol = Protocol::kTcp,
                                                           const std::string& address = "");

  PortReservation(PortReservation&& other) noexcept
      : socket_(std::move(other.socket_)), port_(std::exchange(other.port_, 0)) {}
  PortReservation& operator=(PortReservation&& other) noexcept {
    socket_ = std::move(other.socket_);
    port_ = std::exchange(other.port_, 0);
    return *this;
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // By which the kernel's tables name the socket that holds it; 0 if they do not.
  [[nodiscard]] std::uint64_t inode() const;

 private:
  PortReservation(process::FileDescriptor socket, std::uint16_t port)
      : socket_(std::move(socket)), port_(port) {}

  process::FileDescriptor socket_;  // CLOEXEC: a server that inherited it would hold its own port for ever
  std::uint16_t port_;
};

}  // namespace curfew::ports
