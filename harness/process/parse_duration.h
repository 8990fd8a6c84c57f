// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <curfew/duration.h>

namespace curfew::process {

// "30s", "500ms", "2m", "1.5h". Zero for "0" and "off". Nothing for anything else, negative ones and what is longer
// than a year included.
[[nodiscard]] std::optional<Duration> ParseDuration(const std::string& text);

}  // namespace curfew::process
