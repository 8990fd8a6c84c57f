// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the three programs of the reuse test share: a page of memory in a file.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace curfew::escape {

// Of the namespace. Numbers come round from 301 on, the ones below are given once (RESERVED_PIDS): so there are 300.
inline constexpr int kPidMax = 600;

struct Churn {
  std::atomic<long> forks;
  std::atomic<long> reuses;         // strangers with a number that somebody had before
  std::atomic<long> of_ours;        // of those: the number of a process of a server, or of its warden
  std::atomic<long> signalled;      // signals that strangers got
  std::atomic<long> killed;         // strangers that did not end by themselves
  std::atomic<long> cycles;         // of servers
  std::atomic<long> failed_starts;  // where the namespace had no number left
  std::atomic<long> leaks;          // found and reaped
  std::atomic<bool> enough;
  std::atomic<unsigned char> was_ours[kPidMax + 1];
};

// The file is as large as it has to be.
inline Churn& MapChurn(const char* file) {
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  void* const map = ::mmap(nullptr, sizeof(Churn), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || map == MAP_FAILED) {
    std::perror(file);
    std::exit(1);
  }
  ::close(fd);
  return *static_cast<Churn*>(map);
}

}  // namespace curfew::escape
