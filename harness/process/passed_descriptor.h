// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "process/file_descriptor.h"

namespace curfew::process {

// Bytes with a descriptor attached to the first of them (SCM_RIGHTS, unix(7)). Neither blocks on a socket that does
// not, raises SIGPIPE, or allocates: both serve between fork and exec.

// As send(2): how much was taken, or -1 with errno. No descriptor if it is negative.
[[nodiscard]] ssize_t SendWithDescriptor(int socket, const void* data, std::size_t size, int descriptor);

// As recv(2) with MSG_DONTWAIT. `descriptor` is set if one came, and is close-on-exec.
[[nodiscard]] ssize_t ReceiveWithDescriptor(int socket, void* data, std::size_t size, FileDescriptor& descriptor);

}  // namespace curfew::process
