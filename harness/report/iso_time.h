// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "report/model.h"

namespace curfew::report {

// "12.034": seconds, as the formats of test results have a duration.
[[nodiscard]] std::string SecondsOf(Span duration);

// "2026-03-04T05:06:07" of a time in UTC, without a zone: JUnit's readers take it so, GoogleTest's JSON adds a Z.
[[nodiscard]] std::string IsoTime(Time time);

}  // namespace curfew::report
