// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/inherited_signals.h"
#include "cli/options.h"

namespace curfew::cli {

// `curfew run`. Returns the exit code; where the command was killed by a signal it ends this process by the same one,
// so that the caller (a shell that looks for Ctrl-C, say) sees what it would have seen of the command itself.
int RunCommand(const RunOptions& options, const InheritedSignals& signals);

}  // namespace curfew::cli
