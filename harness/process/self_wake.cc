// SPDX-License-Identifier: Apache-2.0
#include "process/self_wake.h"

#include <signal.h>

#include "process/switches.h"

namespace curfew::process {
namespace {

constexpr timespec kInterval{.tv_sec = 0, .tv_nsec = 500'000'000};

}  // namespace

SelfWake::SelfWake() {
  if (SwitchedOff("wake")) return;
  // With a handler, though there is nothing to do: since Linux 6.13 a timer whose signal is ignored, as SIGCONT is by
  // default, is put aside after its first expiry.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  if (::sigaction(SIGCONT, &action, nullptr) != 0) return;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) return;
  armed_ = true;
  const itimerspec schedule{.it_interval = kInterval, .it_value = kInterval};
  static_cast<void>(::timer_settime(timer_, 0, &schedule, nullptr));
}

SelfWake::~SelfWake() {
  if (armed_) ::timer_delete(timer_);
}

}  // namespace curfew::process
