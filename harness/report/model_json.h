// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/model.h"

// The model as JSON: docs/report.schema.json describes it. The journal uses the form of a test, too.
namespace curfew::report {

inline constexpr int kReportVersion = 1;

[[nodiscard]] nlohmann::json EncodeTest(const TestRecord& test);
[[nodiscard]] nlohmann::json EncodeReport(const RunReport& report);

// Throw std::runtime_error with what is wrong.
[[nodiscard]] TestRecord DecodeTest(const nlohmann::json& in);
[[nodiscard]] RunReport DecodeReport(const nlohmann::json& in);

}  // namespace curfew::report
