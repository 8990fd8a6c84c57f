// SPDX-License-Identifier: Apache-2.0
#include "procfs/character.h"

#include <cstdint>

namespace curfew::procfs {
namespace {

bool Disturbs(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == '\\'  //
         || (code >= 0x200B && code <= 0x200F)                         // no width, or the writing direction
         || (code >= 0x2028 && code <= 0x202E)                         // line separators, directions
         || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF       //
         || (code & 0xFFFE) == 0xFFFE;                                 // not characters: XML refuses them
}

}  // namespace

Character NextCharacter(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {.size = 1, .plain = !Disturbs(first)};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  std::uint32_t code = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool longer_than_needed = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (longer_than_needed || surrogate || code > 0x10FFFF) return {};
  return {.size = size, .plain = !Disturbs(code)};
}

std::string HexEscape(char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return {'\\', 'x', kDigits[value >> 4U], kDigits[value & 0xFU]};
}

}  // namespace curfew::procfs
