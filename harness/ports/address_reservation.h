// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::ports {

// An address 127.A.B.C that no other Curfew in this network namespace has for as long as this lives.
//
// The registry is the abstract namespace of Unix sockets, which is per network namespace as the addresses are: a bound
// name is refused to everybody else, and is gone with its socket, after a crash too. No port is used up for it.
class AddressReservation {
 public:
  // Drawn at random, with A from 1 to 254: never 127.0.0.x, where others are.
  [[nodiscard]] static process::Result<AddressReservation> Any();
  // EADDRINUSE if somebody has it.
  [[nodiscard]] static process::Result<AddressReservation> Of(const std::string& address);

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  AddressReservation(process::FileDescriptor hold, std::string address)
      : hold_(std::move(hold)), address_(std::move(address)) {}

  process::FileDescriptor hold_;
  std::string address_;
};

}  // namespace curfew::ports
