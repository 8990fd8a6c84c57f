// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace curfew::readiness {

// A regex that takes linear time whatever it is and whatever it is matched with (RE2): a wait must end at its
// deadline, and the patterns and the output are other people's.
//
// Text is taken for UTF-8, and what is none byte by byte, as Latin-1: `.` matches every byte of it.
class Pattern {
 public:
  explicit Pattern(const std::string& regex);
  Pattern(Pattern&&) noexcept;
  ~Pattern();

  // Why the regex does not compile; empty if it does.
  [[nodiscard]] std::string error() const;
  [[nodiscard]] const std::string& regex() const;
  // Anywhere in the line. A pattern that does not compile matches nothing.
  [[nodiscard]] bool Matches(std::string_view line) const;
  // Anywhere in line[from, to), with what lies before and behind it known to be part of the same line: ^
  // matches only at the line's true beginning, $ only at its end.
  [[nodiscard]] bool MatchesPiece(std::string_view line, std::size_t from, std::size_t to) const;
  // What the named groups, (?P<name>...), matched in the first match of line[from, to). A group that took no part in it
  // is left out.
  [[nodiscard]] std::map<std::string, std::string> Captures(std::string_view line, std::size_t from,
                                                            std::size_t to) const;
  // The names of those groups.
  [[nodiscard]] std::vector<std::string> GroupNames() const;

 private:
  [[nodiscard]] bool Match(std::string_view line, std::size_t from, std::size_t to,
                           std::vector<std::string_view>& groups) const;

  std::unique_ptr<re2::RE2> regex_;
  std::unique_ptr<re2::RE2> bytewise_;  // the same for what is no UTF-8
};

}  // namespace curfew::readiness
