// SPDX-License-Identifier: Apache-2.0
#include "readiness/pattern.h"

#include <re2/re2.h>

namespace curfew::readiness {
namespace {

re2::RE2::Options Quiet() {
  re2::RE2::Options options;
  options.set_log_errors(false);  // a library prints nothing; error() has it
  return options;
}

}  // namespace

Pattern::Pattern(const std::string& regex) : regex_(std::make_unique<re2::RE2>(regex, Quiet())) {}
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
  if (!regex_->ok()) return false;
  return regex_->Match(re2::StringPiece(line.data(), line.size()), from, to, re2::RE2::UNANCHORED, nullptr,
                       0);
}

std::map<std::string, std::string> Pattern::Captures(std::string_view line, std::size_t from, std::size_t to) const {
  std::map<std::string, std::string> captures;
  if (!regex_->ok() || regex_->NamedCapturingGroups().empty()) return captures;
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex_->NumberOfCapturingGroups()) + 1);
  const bool matched = regex_->Match(re2::StringPiece(line.data(), line.size()), from, to, re2::RE2::UNANCHORED,
                                     groups.data(), static_cast<int>(groups.size()));
  if (!matched) return captures;
  for (const auto& [name, number] : regex_->NamedCapturingGroups()) {
    const re2::StringPiece& group = groups[static_cast<std::size_t>(number)];
    if (group.data() != nullptr) captures[name] = std::string(group.data(), group.size());
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
