// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <curfew/duration.h>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::process {

// A TCP socket on its way to host (an IPv4 address) and port, non-blocking: connected, or about to be. Never blocks.
[[nodiscard]] Result<FileDescriptor> BeginConnect(const std::string& host, std::uint16_t port);

// Waits until it is connected, and puts it into blocking mode.
[[nodiscard]] Result<FileDescriptor> FinishConnect(FileDescriptor socket, Deadline deadline);

}  // namespace curfew::process
