// SPDX-License-Identifier: Apache-2.0
#include "strays.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace curfew::testing {
namespace {

constexpr unsigned kSeconds = 60;

[[noreturn]] void PauseForEver() {
  for (;;) ::pause();
}

}  // namespace

Stray::Stray(Where where, const Body& body, const Body& then) {
  int news[2];
  if (::pipe2(news, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  const pid_t child = ::fork();
  if (child == 0) {
    if (where == Where::kOrphan && ::fork() != 0) ::_exit(0);
    ::alarm(kSeconds);
    body();
    const pid_t self = ::getpid();
    if (::write(news[1], &self, sizeof self) != sizeof self) ::_exit(1);
    then();
    PauseForEver();
  }
  if (where == Where::kOrphan) ::waitpid(child, nullptr, 0);
  pid_t pid = 0;
  const auto got = ::read(news[0], &pid, sizeof pid);
  ::close(news[0]);
  ::close(news[1]);
  auto pinned = process::Pidfd::Open(pid);
  if (got != sizeof pid || !pinned.ok()) throw std::runtime_error("the stray did not come to be");
  pinned_ = std::move(*pinned);
}

Stray Stray::Marked(Where where, const std::string& variable) {
  // The pipe closes on exec: the stray is there with its new environment, not on its way to it.
  int executed[2];
  if (::pipe2(executed, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  Stray stray(
      where, [] {},
      [variable] {
        const char* const environment[] = {variable.c_str(), nullptr};
        ::execle("/bin/sleep", "sleep", "60", nullptr, environment);
        ::_exit(1);
      });
  ::close(executed[1]);
  char none = 0;
  [[maybe_unused]] const auto end = ::read(executed[0], &none, 1);
  ::close(executed[0]);
  return stray;
}

Stray::~Stray() {
  if (!pinned_.valid()) return;  // moved from
  Kill();
  AwaitEnd();
  static_cast<void>(Collect());
}

void Stray::Kill() const {
  static_cast<void>(pinned_.Signal(SIGKILL));
}

bool Stray::Collect() const {
  siginfo_t info{};
  return ::waitid(P_PIDFD, static_cast<id_t>(pinned_.get()), &info, WEXITED) == 0;
}

void Stray::AwaitEnd() const {
  pollfd ended{pinned_.get(), POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    // No news of the stray.
  }
}

void TakeTag(process::Tag tag) {
  if (process::ApplyTag(tag) != 0) ::_exit(1);
}

pid_t ForkBelow(const Stray::Body& body) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::alarm(kSeconds);
  body();
  PauseForEver();
}

}  // namespace curfew::testing
