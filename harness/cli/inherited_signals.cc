// SPDX-License-Identifier: Apache-2.0
#include "cli/inherited_signals.h"

namespace curfew::cli {

InheritedSignals InheritedSignals::Capture() {
  InheritedSignals signals;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    // Fails for the two that the C library keeps to itself.
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN) signals.ignored.push_back(signal);
  }
  sigemptyset(&signals.mask);
  ::sigprocmask(SIG_SETMASK, nullptr, &signals.mask);
  return signals;
}

}  // namespace curfew::cli
