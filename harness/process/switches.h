// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace curfew::process {

// For Curfew's own tests, which prove that each mechanism carries its promise by switching it off and seeing
// the promise break: CURFEW_TEST_DISABLE=name[,name...] in the environment. Read at every call; names are
// those of docs/architecture.md.
[[nodiscard]] bool SwitchedOff(std::string_view mechanism);

}  // namespace curfew::process
