// SPDX-License-Identifier: Apache-2.0
// Any bytes as a journal and as a JSON report, through every format. With Clang a libFuzzer program:
//   cmake --build build/clang --target fuzz_journal && build/clang/tests/fuzz/fuzz_journal -max_total_time=300
//   tests/fuzz/corpus
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include <nlohmann/json.hpp>

#include "report/decode.h"
#include "report/model_json.h"
#include "report/read_journal.h"
#include "report/render.h"

namespace {

using namespace curfew::report;

void RenderAll(const RunReport& report) {
  for (const auto render : {RenderJson, RenderJunit, RenderGithub, RenderMarkdown, RenderTrace, RenderHtml}) {
    if (render(report).empty() && render != RenderGithub) throw std::logic_error("nothing rendered");
  }
  if (EncodeReport(DecodeReport(EncodeReport(report))) != EncodeReport(report)) throw std::logic_error("not read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RunReport report;
  ReadJournal(text, "input", report);
  RenderAll(report);
  if (const auto whole = ParseObject(text)) {
    try {
      RenderAll(DecodeReport(*whole));
    } catch (const std::runtime_error&) {
      // Refused, as it should be.
    }
  }
  return 0;
}
