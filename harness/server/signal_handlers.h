// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace curfew::server {

// Makes SIGINT, SIGTERM and SIGHUP wait for a finished clean-up: the handler has the keeper stop everything, waits
// until the keeper has ended, and ends the program by the same signal, so that the shell sees the status it expects.
// The same signal again ends the program at once; the keeper finishes alone.
//
// Only where the disposition is the default: a handler of the program's own, or an ignored signal, stays. Nothing
// is installed if CURFEW_SIGNALS=off is in the environment. In a forked child the handler only does what the
// default would. `control` is the socket to the keeper, `keeper` its pidfd; both must stay open until Remove.
void InstallSignalHandlers(int control, int keeper);
// Puts the default back where the handler is still ours.
void RemoveSignalHandlers();

}  // namespace curfew::server
