// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "report/model.h"

namespace curfew::report {

// What a keeper writes into "schema" of run_begin.
inline constexpr int kJournalSchema = 1;

// Adds the runs of one journal to the report. `source` names it in what is said of damage.
//
// A journal is a record of what went wrong, so it is read as far as it goes: a last line that is not whole is left
// out, one that is no event is left out, too; both are said in `damage`. Never throws for what the text holds.
void ReadJournal(std::string_view text, const std::string& source, RunReport& report);

}  // namespace curfew::report
