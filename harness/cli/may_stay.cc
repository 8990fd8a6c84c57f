// SPDX-License-Identifier: Apache-2.0
#include "cli/may_stay.h"

#include <cstdlib>

#include "leaks/exemption_file.h"
#include "report/escape.h"

namespace curfew::cli {

std::optional<leaks::Exemptions> ReadMayStay(const MayStay& options, std::string& errors) {
  leaks::Exemptions exemptions;
  const auto complain = [&errors](const std::string& of, const std::string& error) {
    errors += "curfew: " + report::OneLine(of + error, 1000) + '\n';
  };
  const char* const variable = std::getenv("CURFEW_SUPPRESSIONS");
  const bool by_flag = !options.suppressions.empty();
  const std::string file = by_flag ? options.suppressions : variable == nullptr ? "" : variable;
  if (!file.empty()) {
    for (const auto& error : leaks::ReadExemptions(file, exemptions))
      complain(by_flag ? "--suppressions: " : "CURFEW_SUPPRESSIONS: ", error);
  }
  for (const auto& name : options.exempt) {
    if (const auto error = exemptions.AddReadyMade(name)) complain("--exempt: ", *error);
  }
  if (!errors.empty()) return std::nullopt;
  return exemptions;
}

}  // namespace curfew::cli
