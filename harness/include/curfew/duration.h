// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace curfew {

// Every length of time in the API. Write it with the standard literals: 30s, 250ms.
using Duration = std::chrono::nanoseconds;

// Every point in time a wait ends at. Steady: a clock that is set back lengthens nothing.
using Deadline = std::chrono::steady_clock::time_point;

}  // namespace curfew
