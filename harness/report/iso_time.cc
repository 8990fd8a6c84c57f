// SPDX-License-Identifier: Apache-2.0
#include "report/iso_time.h"

#include <chrono>
#include <ctime>
#include <iomanip>
#include <sstream>

namespace curfew::report {

std::string SecondsOf(Span duration) {
  std::ostringstream out;
  out << duration.count() / 1000 << '.' << std::setw(3) << std::setfill('0') << duration.count() % 1000;
  return out.str();
}

std::string IsoTime(Time time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::ostringstream out;
  out << std::put_time(&parts, "%Y-%m-%dT%H:%M:%S");
  return out.str();
}

}  // namespace curfew::report
