// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "readiness/listeners.h"
#include "server/start_story.h"

namespace curfew::server {

// The address that kept a server from starting.
struct TakenAddress {
  std::string why;
  // Nobody listens there, and the number is held by us: the server sets neither SO_REUSEADDR nor SO_REUSEPORT.
  bool our_reservation = false;
};

// Whether a start failed because an address was taken: a stranger was seen on a port, or the server died and its
// output, from the offset on, speaks of it as programs of all languages do ("Address already in use", EADDRINUSE).
[[nodiscard]] std::optional<TakenAddress> FindTakenAddress(const PreparedServer& server, const FailedStart& failed,
                                                           std::uint64_t log_offset,
                                                           readiness::ListenerTable& listeners);

// Whether output from the offset on, at most its last 256 KiB, says that an address is in use.
[[nodiscard]] bool SaysAddressInUse(const std::filesystem::path& log, std::uint64_t offset);

}  // namespace curfew::server
