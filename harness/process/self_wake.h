// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

namespace curfew::process {

// While it lives this process does not stay stopped (SIGSTOP): a timer of its own sends it SIGCONT twice a second, and
// the kernel lets a process go on when that signal is made, before it looks whether anybody wants it (signal(7)). A
// keeper or a warden that its server has stopped needs nobody to wake it then. Costs a wake-up each time; poll(2) and
// its like end with EINTR. A forked child and what is executed do not have it. Without timers there is none, and all
// else holds.
//
// Has to end before LeakSanitizer looks, at exit: SIGCONT takes back a SIGSTOP that is on its way, and by such a one
// ptrace(PTRACE_ATTACH) waits for its own process.
class SelfWake {
 public:
  SelfWake();
  ~SelfWake();
  SelfWake(const SelfWake&) = delete;
  SelfWake& operator=(const SelfWake&) = delete;

 private:
  timer_t timer_{};
  bool armed_ = false;
};

}  // namespace curfew::process
