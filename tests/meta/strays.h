// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

// Processes that the failing programs leave behind on purpose. Each prints "stray N" for the driver, and ends
// by its own alarm should everything else fail.

// A child, not collected and not told to end.
inline pid_t LeaveChild() {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    for (;;) pause();
  }
  std::printf("stray %d\n", pid);
  std::fflush(stdout);
  return pid;
}

// A daemon as the books say: a grandchild in a session of its own, its parent gone.
inline void LeaveDaemon() {
  const pid_t parent = fork();
  if (parent == 0) {
    setsid();
    const pid_t daemon = fork();
    if (daemon == 0) {
      alarm(60);
      for (;;) pause();
    }
    std::printf("stray %d\n", daemon);
    std::fflush(stdout);
    _exit(0);
  }
  waitpid(parent, nullptr, 0);
}
