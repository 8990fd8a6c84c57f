// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// The sources of the page, embedded by embed_page.cmake.
namespace curfew::report {

[[nodiscard]] std::string_view PageHtml();
[[nodiscard]] std::string_view PageStyle();
[[nodiscard]] std::string_view PageScript();

}  // namespace curfew::report
