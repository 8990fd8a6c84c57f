// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "process/pidfd.h"
#include "process/tag.h"

namespace curfew::testing {

// A process some test has begun, wherever it hangs now. Killed, and collected if it is a child, when the test
// leaves its scope, by identity; an alarm ends it should the test be gone first.
class Stray {
 public:
  using Body = std::function<void()>;
  enum class Where { kChild, kOrphan };

  // Runs the body, which has to return, then waits to be ended, or does what is next. The constructor returns
  // after the body.
  explicit Stray(
      Where where, const Body& body = [] {}, const Body& then = [] {});
  // Is sleep(1), executed with this variable as its whole environment.
  [[nodiscard]] static Stray Marked(Where where, const std::string& variable);
  Stray(Stray&&) = default;
  Stray& operator=(Stray&&) = delete;
  ~Stray();

  [[nodiscard]] pid_t pid() const { return pinned_.pid(); }
  [[nodiscard]] bool Ended() const { return pinned_.Ended(); }
  void Kill() const;
  // Collects it if it is a child: whether there was something to collect.
  bool Collect() const;
  void AwaitEnd() const;

 private:
  process::Pidfd pinned_;
};

// For a body: takes the tag, or ends.
void TakeTag(process::Tag tag);
// For a body: forks a child that runs the other body and waits to be ended; its number.
pid_t ForkBelow(const Stray::Body& body = [] {});

}  // namespace curfew::testing
