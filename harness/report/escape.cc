// SPDX-License-Identifier: Apache-2.0
#include "report/escape.h"

#include <algorithm>

#include "procfs/character.h"

namespace curfew::report {
namespace {

// Replaces single characters of a text that is clean already.
template <class Replacement>
std::string Replaced(const std::string& text, Replacement replacement) {
  std::string out;
  out.reserve(text.size());
  for (const char character : text) {
    const std::string_view other = replacement(character);
    if (other.empty()) {
      out += character;
    } else {
      out += other;
    }
  }
  return out;
}

std::string_view XmlEntity(char character) {
  switch (character) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    default: return "";
  }
}

std::string_view GithubEscape(char character) {
  switch (character) {
    case '%': return "%25";
    case '\n': return "%0A";
    case '\r': return "%0D";
    default: return "";
  }
}

}  // namespace

std::string Visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto next = procfs::NextCharacter(text);
    const char first = text.front();
    if (next.plain || first == '\n' || first == '\t' || first == '\\') {
      out += text.substr(0, next.size);
    } else {
      for (const char byte : text.substr(0, next.size)) out += procfs::HexEscape(byte);
    }
    text.remove_prefix(next.size);
  }
  return out;
}

std::string OneLine(std::string_view text, std::size_t most) {
  constexpr std::string_view kDots = "...";
  auto line = Visible(text.substr(0, most * 2));
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  if (line.size() <= most) return line;
  auto end = most - kDots.size();
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end).append(kDots);
}

std::string XmlText(std::string_view text) { return Replaced(Visible(text), XmlEntity); }

std::string XmlAttribute(std::string_view text) {
  return Replaced(Visible(text), [](char character) -> std::string_view {
    if (character == '\n') return "&#10;";  // as it is, it would become a space
    if (character == '\t') return "&#9;";
    return XmlEntity(character);
  });
}

std::string ScriptJson(std::string json) {
  return Replaced(json, [](char character) -> std::string_view { return character == '<' ? "\\u003c" : ""; });
}

std::string GithubMessage(std::string_view text) { return Replaced(Visible(text), GithubEscape); }

std::string GithubProperty(std::string_view text) {
  return Replaced(Visible(text), [](char character) -> std::string_view {
    if (character == ':') return "%3A";
    if (character == ',') return "%2C";
    return GithubEscape(character);
  });
}

std::string MarkdownText(std::string_view text) {
  const std::string line = OneLine(text, 1000);
  std::string out;
  for (const char character : line) {
    if (const auto entity = XmlEntity(character); !entity.empty()) {
      out += entity;
      continue;
    }
    if (std::string_view("\\`*_{}[]()#+-.!|~@:$").find(character) != std::string_view::npos) out += '\\';
    out += character;
  }
  return out;
}

std::string MarkdownBlock(std::string_view text) {
  const std::string visible = Visible(text);
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char character : visible) {
    run = character == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const bool ended = visible.empty() || visible.back() == '\n';
  return fence + "text\n" + visible + (ended ? "" : "\n") + fence + "\n";
}

}  // namespace curfew::report
