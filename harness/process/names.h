// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace curfew::process {

// "ENOENT"; "errno 4711" for a number without a name.
[[nodiscard]] std::string ErrnoName(int error);
// "ENOENT (No such file or directory)".
[[nodiscard]] std::string DescribeErrno(int error);
// "SIGTERM"; "SIGRTMIN+3"; "signal 99" for a number without a name.
[[nodiscard]] std::string SignalName(int signal);

}  // namespace curfew::process
