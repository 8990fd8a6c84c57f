// SPDX-License-Identifier: Apache-2.0
#include "readiness/text.h"

namespace curfew::readiness {

std::string Printable(std::string_view text, std::size_t max) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string shown;
  for (const char c : text.substr(0, max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      shown += c;
    } else {
      shown += "\\x";
      shown += kDigits[byte >> 4];
      shown += kDigits[byte & 0xF];
    }
  }
  if (text.size() > max) shown += "...";
  return shown;
}

std::string Quoted(std::string_view text, std::size_t max) {
  return '"' + Printable(text, max) + '"';
}

}  // namespace curfew::readiness
