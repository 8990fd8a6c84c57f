// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <unistd.h>

#include "process/clock.h"

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;

void Write(int fd, const std::string& text) {
  [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
}

}  // namespace

Progress::Progress(int terminal_fd) : fd_(terminal_fd), terminal_(::isatty(terminal_fd) == 1) {}

void Progress::WaitFor(std::string what) {
  if (what_.empty()) since_ = std::chrono::steady_clock::now();
  what_ = std::move(what);
}

void Progress::Draw() {
  const auto waited = std::chrono::steady_clock::now() - since_;
  // In the background it would stop us (tostop), and disturb somebody else's screen.
  if (!terminal_ || what_.empty() || waited < kPatience || ::tcgetpgrp(fd_) != ::getpgrp()) return;
  Write(fd_, "\r\x1b[Kcurfew: waiting for " + what_ + ", " + process::Describe(waited) + "; Ctrl-C kills at once");
  drawn_ = true;
}

void Progress::Clear() {
  if (drawn_) Write(fd_, "\r\x1b[K");
  drawn_ = false;
  what_.clear();
}

}  // namespace curfew::cli
