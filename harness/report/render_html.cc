// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report/escape.h"
#include "report/model_json.h"
#include "report/page_parts.h"
#include "report/render.h"

namespace curfew::report {
namespace {

// The template's own text up to a mark, and what follows it.
std::string_view Before(std::string_view mark, std::string_view& rest) {
  const auto at = rest.find(mark);
  const auto before = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + mark.size());
  return before;
}

}  // namespace

std::string RenderHtml(const RunReport& report) {
  auto data = EncodeReport(report).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string_view rest = PageHtml();
  std::string page(Before("@CSS@", rest));
  page += PageStyle();
  page += Before("@DATA@", rest);
  page += ScriptJson(std::move(data));
  page += Before("@JS@", rest);
  page += PageScript();
  page += rest;
  return page;
}

}  // namespace curfew::report
