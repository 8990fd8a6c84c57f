// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::readiness {

// A non-blocking TCP socket on its way to 127.0.0.1:port (AF_INET) or [::1]:port (AF_INET6). The Failure's operation
// is "connect"; a refusal may also show later, with the first send or in SO_ERROR.
[[nodiscard]] process::Result<process::FileDescriptor> BeginConnection(int family, std::uint16_t port);

}  // namespace curfew::readiness
