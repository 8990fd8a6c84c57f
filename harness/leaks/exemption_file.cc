// SPDX-License-Identifier: Apache-2.0
#include "leaks/exemption_file.h"

#include <cerrno>
#include <filesystem>
#include <optional>

#include "process/names.h"
#include "procfs/text.h"

namespace curfew::leaks {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The next word, quotation marks taken off; a # within them is none. Nothing at the end or where the reason begins;
// `error` if a quotation mark is missing.
std::optional<std::string> TakeTerm(std::string_view& rest, std::string& error) {
  rest = Trim(rest);
  if (rest.empty() || rest.front() == '#') return std::nullopt;
  std::string term;
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && kBlanks.find(c) != std::string_view::npos) {
      break;
    } else {
      term += c;
    }
  }
  if (quoted) error = "a quotation mark is missing";
  rest.remove_prefix(at);
  return term;
}

std::string Set(const std::string& term, IgnoreLeaks& exemption) {
  const auto colon = term.find(':');
  const auto key = term.substr(0, colon);
  const auto value = colon == std::string::npos ? "" : term.substr(colon + 1);
  if (value.empty()) return "\"" + term + "\" is not KIND:PATTERN; kinds are command, exe, mark, port";
  std::string* text = key == "command" ? &exemption.command
                      : key == "exe"   ? &exemption.exe
                      : key == "mark"  ? &exemption.mark
                                       : nullptr;
  if (text != nullptr) {
    if (!text->empty()) return key + " is given twice";
    *text = value;
    return "";
  }
  if (key != "port") return "there is no kind \"" + key + "\"; there are command, exe, mark, port";
  const auto port = procfs::ParseNumber<std::uint16_t>(value);
  if (!port || *port == 0) return "\"" + value + "\" is no port";
  exemption.port = *port;
  return "";
}

std::string ParseLine(std::string_view line, const std::string& source, Exemptions& exemptions) {
  IgnoreLeaks exemption;
  std::string error;
  for (auto term = TakeTerm(line, error); term; term = TakeTerm(line, error)) {
    if (error.empty()) error = Set(*term, exemption);
    if (!error.empty()) return error;
  }
  if (!line.empty()) line.remove_prefix(1);  // the #
  exemption.reason = Trim(line);
  if (exemption.reason.empty()) return "no reason; it stands behind a # at the end of the line";
  return exemptions.Add(exemption, source).value_or("");
}

}  // namespace

std::vector<std::string> ParseExemptions(std::string_view text, const std::string& name, Exemptions& exemptions) {
  std::vector<std::string> errors;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = Trim(procfs::TakeUntil(text, '\n'));
    if (line.empty() || line.front() == '#') continue;
    const auto source = name + ':' + std::to_string(number);
    if (auto error = ParseLine(line, source, exemptions); !error.empty()) errors.push_back(source + ": " + error);
  }
  return errors;
}

std::vector<std::string> ReadExemptions(const std::string& path, Exemptions& exemptions) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {path + ": cannot be read: is a directory"};
  const auto text = procfs::ReadWhole(path);
  if (!text) return {path + ": cannot be read: " + process::DescribeErrno(errno)};
  return ParseExemptions(*text, path, exemptions);
}

}  // namespace curfew::leaks
