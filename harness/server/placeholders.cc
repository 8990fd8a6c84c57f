// SPDX-License-Identifier: Apache-2.0
#include "server/placeholders.h"

#include <utility>

namespace curfew::server {
namespace {

bool IsWordByte(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool IsNameByte(char c) { return IsWordByte(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }

// The length of "{word}", "{word:name}" or "{captured:server:name}" at the start of the text, 0 if there is none: other
// braces (JSON, nginx blocks, shell lists) are plain text.
std::size_t MatchPlaceholder(std::string_view text) {
  if (text.empty() || text.front() != '{') return 0;
  std::size_t at = 1;
  while (at < text.size() && IsWordByte(text[at])) ++at;
  if (at == 1 || at == text.size()) return 0;
  if (text[at] == ':') {
    const auto name = ++at;
    while (at < text.size() && IsNameByte(text[at])) ++at;
    if (at == name || at == text.size()) return 0;
    constexpr std::string_view kTwoNames = "{captured:";
    if (text[at] == ':' && text.starts_with(kTwoNames)) {
      const auto second = ++at;
      while (at < text.size() && IsNameByte(text[at])) ++at;
      if (at == second || at == text.size()) return 0;
    }
  }
  return text[at] == '}' ? at + 1 : 0;
}

// Calls one of the two for each piece of the text, in order.
template <class OnText, class OnPlaceholder>
void Split(std::string_view text, OnText on_text, OnPlaceholder on_placeholder) {
  while (!text.empty()) {
    const bool escaped = text.starts_with("{{");
    const auto length = MatchPlaceholder(escaped ? text.substr(1) : text);
    if (escaped && length != 0 && text.substr(1 + length).starts_with('}')) {
      on_text(text.substr(1, length));
      text.remove_prefix(length + 2);
    } else if (text.starts_with("${") && !text.starts_with("${{")) {
      on_text(text.substr(0, 2));
      text.remove_prefix(2);
    } else if (!escaped && length != 0) {
      on_placeholder(text.substr(1, length - 2));
      text.remove_prefix(length);
    } else {
      on_text(text.substr(0, 1));
      text.remove_prefix(1);
    }
  }
}

}  // namespace

std::vector<std::string> FindPlaceholders(std::string_view text) {
  std::vector<std::string> found;
  Split(text, [](std::string_view) {}, [&](std::string_view word) { found.emplace_back(word); });
  return found;
}

std::optional<std::string> Expand(std::string_view text, const std::map<std::string, std::string>& values,
                                  std::string& unknown) {
  std::string expanded;
  bool complete = true;
  Split(
      text, [&](std::string_view piece) { expanded += piece; },
      [&](std::string_view word) {
        const auto value = values.find(std::string(word));
        if (value != values.end()) {
          expanded += value->second;
        } else if (std::exchange(complete, false)) {
          unknown = word;
        }
      });
  if (!complete) return std::nullopt;
  return expanded;
}

}  // namespace curfew::server
