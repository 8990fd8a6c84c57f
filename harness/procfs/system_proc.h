// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "procfs/proc.h"

namespace curfew::procfs {

// /proc itself. Never destroyed: a run ends in an exit handler, after later statics are gone.
[[nodiscard]] const Proc& SystemProc();

}  // namespace curfew::procfs
