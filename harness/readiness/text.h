// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace curfew::readiness {

// The text in double quotes, cut at max bytes, with every byte that could disturb a terminal or a report
// escaped: a server's output may hold anything.
[[nodiscard]] std::string Quoted(std::string_view text, std::size_t max = 200);
// The same without the quotes.
[[nodiscard]] std::string Printable(std::string_view text, std::size_t max = 200);

}  // namespace curfew::readiness
