// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <vector>

#include "process/file_descriptor.h"
#include "process/launch.h"
#include "process/result.h"

namespace curfew::keeper {

// Makes the sockets of a launch message, {name, listens, host and port, or path}, for a server to find open: bound over
// the reservations of their ports, and listening those that can. Fills in the request's descriptors and environment.
// To be kept until the server is launched.
[[nodiscard]] process::Result<std::vector<process::FileDescriptor>> MakeListenSockets(const nlohmann::json& sockets,
                                                                                      process::LaunchRequest& request);

}  // namespace curfew::keeper
