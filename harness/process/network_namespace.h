// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/result.h"

namespace curfew::process {

// Puts the calling process, and what it begins from here on, into a new network namespace whose loopback is up; where
// that takes a privilege it lacks, into a new user namespace as well, in which its user and group keep their numbers.
// Single-threaded callers only (unshare(2)). The Failure's operation is the step that failed.
[[nodiscard]] Result<void> EnterNewNetwork();

}  // namespace curfew::process
