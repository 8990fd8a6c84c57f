// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace curfew::readiness {

// Has the kernel list sockets (sock_diag(7), NLM_F_DUMP) by the request of a family, and shows each answer, without
// its netlink header, to `take`. 0 or the errno: ENOENT without the kernel's module for that family.
// Blocks: never; the kernel answers within the call that asks.
[[nodiscard]] int DumpSockets(std::span<const std::byte> request,
                              const std::function<void(std::span<const std::byte>)>& take);

}  // namespace curfew::readiness
