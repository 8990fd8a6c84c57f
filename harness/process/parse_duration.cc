// SPDX-License-Identifier: Apache-2.0
#include "process/parse_duration.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace curfew::process {
namespace {

// A year. Far below the end of Duration, so that no scale and no sum with a clock overflows.
constexpr double kLongestSeconds = 365.0 * 24 * 3600;

std::optional<double> UnitInSeconds(std::string_view unit) {
  if (unit == "ms") return 1e-3;
  if (unit == "s") return 1.0;
  if (unit == "m") return 60.0;
  if (unit == "h") return 3600.0;
  return std::nullopt;
}

}  // namespace

std::optional<Duration> ParseDuration(const std::string& text) {
  if (text == "0" || text == "off") return Duration::zero();
  // from_chars would also take "-1s", "inf" and "nan".
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const std::optional<double> unit = UnitInSeconds(std::string_view(rest, static_cast<std::size_t>(end - rest)));
  if (!unit || number * *unit > kLongestSeconds) return std::nullopt;
  // What is too short to be counted is short all the same: 0 would mean none.
  const auto nanoseconds = std::llround(number * *unit * 1e9);
  return Duration(nanoseconds == 0 && number > 0 ? 1 : nanoseconds);
}

}  // namespace curfew::process
