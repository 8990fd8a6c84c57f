// SPDX-License-Identifier: Apache-2.0
// Those that grow: a runaway chain and fork bombs, bounded.
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <random>

#include "hostile.h"

namespace hostile {
namespace {

constexpr int kGrown = 60;      // at rest
constexpr int kMost = 200;      // in all, where only the counter bounds it
constexpr int kAtOnce = 150;    // where the kernel does
constexpr long kGap = 500'000;  // nanoseconds from birth to birth, so that some fall into the kill

void LetLoose(int) {
  ThePage().let_loose = 1;
}

// A uid that nobody else has: RLIMIT_NPROC then counts this swarm alone, and root is not held by it at all.
bool BecomeSomebodyElse() {
  if (::geteuid() != 0) return false;
  std::random_device random;
  const uid_t uid = 1'000'000 + random() % 1'000'000'000;
  const rlimit at_once{kAtOnce, kAtOnce};
  return ::setresgid(uid, uid, uid) == 0 && ::setrlimit(RLIMIT_NPROC, &at_once) == 0 && ::setresuid(uid, uid, uid) == 0;
}

}  // namespace

void RunAway(bool sessions) {
  SayInPlace();
  for (;;) {
    const pid_t successor = Fork();
    if (successor > 0) ::_exit(0);
    if (successor < 0) Idle();  // the budget is used up
    if (sessions) ::setsid();
  }
}

void Swarm(bool sessions) {
  struct sigaction action {};
  action.sa_handler = LetLoose;
  ::sigaction(SIGTERM, &action, nullptr);
  const bool held = BecomeSomebodyElse();
  for (;;) {
    if (ThePage().born < kGrown) {
      if (Fork(kGrown) == 0) {
        if (sessions) ::setsid();
        SayInPlace();
      }
    } else if (ThePage().let_loose == 0) {
      Pause(20);
    } else {
      const pid_t child = Fork(held ? kBirths : kMost);
      if (child == 0 && sessions) ::setsid();
      if (child < 0 && !held) Pause(20);
      const timespec gap{0, kGap};
      if (!held) ::nanosleep(&gap, nullptr);
      if (held && child < 0) ::sched_yield();
    }
  }
}

}  // namespace hostile
