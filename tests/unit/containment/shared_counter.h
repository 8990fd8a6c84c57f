// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <new>

namespace curfew::testing {

// Counts across processes, and so bounds what they may begin.
class SharedCounter {
 public:
  SharedCounter()
      : count_(new (::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(0)) {}
  ~SharedCounter() { ::munmap(count_, sizeof(std::atomic<int>)); }
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  int Next() const { return ++*count_; }
  int count() const { return *count_; }

 private:
  std::atomic<int>* count_;
};

}  // namespace curfew::testing
