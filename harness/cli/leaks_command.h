// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options.h"

namespace curfew::cli {

// `curfew leaks`: what earlier runs have left on this machine: processes, and directories. Returns 86 if there was
// any, 0 if not.
int LeaksCommand(const LeaksOptions& options);

// `curfew ps`: the runs that are going on, each as a tree. Always 0.
int PsCommand(const PsOptions& options);

}  // namespace curfew::cli
