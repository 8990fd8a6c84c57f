// SPDX-License-Identifier: Apache-2.0
#include "process/clock.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace curfew::process {
namespace {

// As long as for ever, but a clock's now can still be added to it.
constexpr Duration kLongest = std::chrono::hours(24 * 365 * 100);

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] Deadline Now() const override { return std::chrono::steady_clock::now(); }
};

double TimeoutScale() {
  const char* value = std::getenv("CURFEW_TIMEOUT_SCALE");
  if (value == nullptr) return 1;
  const std::string_view text(value);
  double scale = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  const bool usable = scale > 0 && scale <= std::numeric_limits<double>::max();  // not so: NaN, infinity
  return whole && usable ? scale : 1;
}

// "12", or with one digit behind the point where it says something: "1.5".
std::string Short(std::int64_t tenths) {
  if (tenths >= 100 || tenths % 10 == 0) return std::to_string((tenths + 5) / 10);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

}  // namespace

const Clock& Clock::Steady() {
  // Never destroyed: the run ends in an exit handler, after later statics are gone.
  static const auto& clock = *new SteadyClock;
  return clock;
}

int PollTimeout(Deadline now, Deadline deadline) {
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return left > std::numeric_limits<int>::max() ? std::numeric_limits<int>::max() : static_cast<int>(left);
}

Duration Scaled(Duration duration) {
  const double scale = TimeoutScale();
  const double scaled = static_cast<double>(duration.count()) * scale;
  if (scaled >= static_cast<double>(kLongest.count())) return kLongest;
  if (scaled <= -static_cast<double>(kLongest.count())) return -kLongest;
  // Not by way of the double: 53 bits hold nanoseconds exactly for 104 days only.
  return scale == 1 ? duration : Duration(static_cast<Duration::rep>(scaled));
}

std::string Describe(Duration duration) {
  struct Unit {
    std::int64_t nanoseconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits = {
      {{1, "ns"}, {1'000, "us"}, {1'000'000, "ms"}, {1'000'000'000, "s"}}};
  if (duration == Duration::zero()) return "0 s";
  if (duration == Duration::min())
    return Describe(duration + std::chrono::nanoseconds(1));  // has no opposite
  if (duration < Duration::zero()) return '-' + Describe(-duration);
  for (const Unit& unit : kUnits) {
    const double units = static_cast<double>(duration.count()) / static_cast<double>(unit.nanoseconds);
    // The last unit takes the rest. 999.95 ms would round to "1000 ms": the next unit says it better.
    if (units < 999.5 || &unit == &kUnits.back()) {
      return Short(std::llround(units * 10)) + ' ' + unit.name;
    }
  }
  return {};
}

}  // namespace curfew::process
