// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace curfew::server {


// The placeholders of a text, in order. "{{word}}" and "${word}" are none.
[[nodiscard]] std::vector<std::string> FindPlaceholders(std::string_view text);

// The text with every placeholder replaced by its value and "{{word}}" by "{word}". Nothing if one has no
// value; `unknown` is then its name.
[[nodiscard]] std::optional<std::string> Expand(std::string_view text, const std::map<std::string, std::string>& values,
                                                std::string& unknown);

}  // namespace curfew::server
