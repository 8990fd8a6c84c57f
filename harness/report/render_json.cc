// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report/escape.h"
#include "report/model_json.h"
#include "report/render.h"

namespace curfew::report {

std::string RenderJson(const RunReport& report) {
  // Bytes that are no UTF-8 become U+FFFD: JSON has no place for them.
  return EncodeReport(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace curfew::report
