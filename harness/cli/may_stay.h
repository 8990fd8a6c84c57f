// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "leaks/exemptions.h"

namespace curfew::cli {

// What may stay: of the file, of the flags. Nothing if something is wrong with it; then `errors` has lines for stderr.
[[nodiscard]] std::optional<leaks::Exemptions> ReadMayStay(const MayStay& options, std::string& errors);

}  // namespace curfew::cli
