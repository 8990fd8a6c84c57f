// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>

#include "keeper/watch.h"
#include "process/file_descriptor.h"
#include "process/launch.h"
#include "process/pidfd.h"

namespace curfew::keeper {

// The stacks of all threads of a process, by gdb where there is one: in a process of its own beside the event loop,
// and for a bounded time, since a debugger can hang as well as anything.
//
// The process is held (ptrace(2)) while gdb looks; it goes on when gdb has ended, however it has. CURFEW_GDB names
// another debugger that takes gdb's arguments; "off": none.
class StackTracer {
 public:
  using Done = std::function<void(const std::string& stacks)>;

  StackTracer(boost::asio::io_context& io, process::Launcher& launcher) : io_(io), timer_(io), launcher_(launcher) {}
  ~StackTracer() { Cancel(); }
  StackTracer(const StackTracer&) = delete;
  StackTracer& operator=(const StackTracer&) = delete;

  // Calls `done` once, from the event loop, with what there is: indented lines. False, and no call, where there is no
  // debugger to start. The caller collects the ended debugger: it is a child of this process.
  [[nodiscard]] bool Start(pid_t pid, Done done);
  // Ends the debugger; `done` is not called.
  void Cancel();

 private:
  void Finish(bool in_time);

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  process::Launcher& launcher_;
  process::FileDescriptor output_;
  process::Pidfd debugger_;
  std::optional<Watch> watch_;
  Done done_;
};

// What is worth reading of gdb's output: from the first thread on, indented, cut.
[[nodiscard]] std::string TidyStacks(const std::string& output);

}  // namespace curfew::keeper
