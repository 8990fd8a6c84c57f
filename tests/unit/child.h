// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <functional>

namespace curfew::testing {

// A child of the test that waits to be ended, or runs a function and ends with what it returns. Killed and
// collected when the test leaves its scope.
class Child {
 public:
  Child() : Child([] { return ::pause(); }) {}
  explicit Child(const std::function<int()>& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Waits until it has ended, and leaves it a zombie.
  void WaitUntilZombie() const;
  // Waits for its end and collects it. The exit code, or minus the signal.
  int Collect();

 private:
  pid_t pid_;
};

}  // namespace curfew::testing
