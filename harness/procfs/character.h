// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text from outside, character by character: names and command lines hold any bytes.
namespace curfew::procfs {

struct Character {
  std::size_t size = 1;  // bytes it takes
  bool plain = false;    // may be shown as it is: no control, no direction, nothing that XML refuses, no backslash
};

// The UTF-8 character at the front of a text that is not empty: shortest form only, no surrogates, nothing above
// U+10FFFF (RFC 3629). A byte that begins none is one of its own, and not plain.
[[nodiscard]] Character NextCharacter(std::string_view text);

// "\\x1B".
[[nodiscard]] std::string HexEscape(char byte);

}  // namespace curfew::procfs
