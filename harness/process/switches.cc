// SPDX-License-Identifier: Apache-2.0
#include "process/switches.h"

#include <cstdlib>

namespace curfew::process {

bool SwitchedOff(std::string_view mechanism) {
  const char* list = std::getenv("CURFEW_TEST_DISABLE");
  if (list == nullptr) return false;
  std::string_view rest(list);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (rest.substr(0, comma) == mechanism) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace curfew::process
