// SPDX-License-Identifier: Apache-2.0
#include "readiness/pattern.h"

#include <re2/re2.h>

#include <algorithm>

namespace curfew::readiness {
namespace {

re2::RE2::Options Quiet(re2::RE2::Options::Encoding encoding) {
  re2::RE2::Options options;
  options.set_encoding(encoding);
  options.set_log_errors(false);  // a library prints nothing; error() has it
  return options;
}

bool IsUtf8(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return true;
  // In its own mode `.` matches what is UTF-8, and nothing else.
  static const re2::RE2 whole("(?s).*", re2::RE2::Quiet);
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), whole);
}

}  // namespace

Pattern::Pattern(const std::string& regex)
    : regex_(std::make_unique<re2::RE2>(regex, Quiet(re2::RE2::Options::EncodingUTF8))),
      bytewise_(std::make_unique<re2::RE2>(regex, Quiet(re2::RE2::Options::EncodingLatin1))) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

std::string Pattern::error() const {
  return regex_->ok() ? std::string() : regex_->error();
}

const std::string& Pattern::regex() const {
  return regex_->pattern();
}

bool Pattern::Matches(std::string_view line) const {
  return MatchesPiece(line, 0, line.size());
}

bool Pattern::MatchesPiece(std::string_view line, std::size_t from, std::size_t to) const {
  std::vector<std::string_view> none;
  return Match(line, from, to, none);
}

bool Pattern::Match(std::string_view line, std::size_t from, std::size_t to,
                    std::vector<std::string_view>& groups) const {
  if (!regex_->ok()) return false;
  std::vector<re2::StringPiece> pieces(groups.size());
  const auto matches = [&](const re2::RE2& regex) {
    return regex.Match(re2::StringPiece(line.data(), line.size()), from, to, re2::RE2::UNANCHORED, pieces.data(),
                       static_cast<int>(pieces.size()));
  };
  const bool matched =
      matches(*regex_) || (bytewise_->ok() && !IsUtf8(line.substr(from, to - from)) && matches(*bytewise_));
  for (std::size_t i = 0; matched && i < groups.size(); ++i) groups[i] = {pieces[i].data(), pieces[i].size()};
  return matched;
}

std::map<std::string, std::string> Pattern::Captures(std::string_view line, std::size_t from, std::size_t to) const {
  std::map<std::string, std::string> captures;
  if (!regex_->ok() || regex_->NamedCapturingGroups().empty()) return captures;
  std::vector<std::string_view> groups(static_cast<std::size_t>(regex_->NumberOfCapturingGroups()) + 1);
  if (!Match(line, from, to, groups)) return captures;
  for (const auto& [name, number] : regex_->NamedCapturingGroups()) {
    const std::string_view group = groups[static_cast<std::size_t>(number)];
    if (group.data() != nullptr) captures[name] = std::string(group);
  }
  return captures;
}

std::vector<std::string> Pattern::GroupNames() const {
  std::vector<std::string> names;
  if (!regex_->ok()) return names;
  for (const auto& [name, number] : regex_->NamedCapturingGroups()) names.push_back(name);
  return names;
}

}  // namespace curfew::readiness
