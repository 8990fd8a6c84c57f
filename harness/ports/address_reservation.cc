// SPDX-License-Identifier: Apache-2.0
#include "ports/address_reservation.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace curfew::ports {
namespace {

using process::Failure;
using process::FileDescriptor;
using process::Result;

constexpr int kTries = 100;  // of 16 million

std::string Draw() {
  std::array<std::uint8_t, 3> random{};
  static_cast<void>(::getrandom(random.data(), random.size(), 0));
  const auto within = [](int byte, int first) { return std::to_string(first + byte % (255 - first)); };
  return "127." + within(random[0], 1) + '.' + std::to_string(random[1]) + '.' + within(random[2], 1);
}

}  // namespace

Result<AddressReservation> AddressReservation::Any() {
  auto reserved = Of(Draw());
  for (int i = 1; !reserved.ok() && reserved.failure().error == EADDRINUSE && i < kTries; ++i) reserved = Of(Draw());
  return reserved;
}

Result<AddressReservation> AddressReservation::Of(const std::string& address) {
  FileDescriptor hold(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!hold.valid()) return Failure{"reserve the address " + address, errno};
  // The first byte of the name stays 0: that is what makes it abstract (unix(7)).
  const std::string name = "curfew-address-" + address;
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  name.copy(place.sun_path + 1, sizeof place.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(hold.get(), reinterpret_cast<const sockaddr*>(&place), size) != 0) {
    return Failure{"reserve the address " + address, errno};
  }
  return AddressReservation(std::move(hold), address);
}

}  // namespace curfew::ports
