// SPDX-License-Identifier: Apache-2.0
#include "server/signal_handlers.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace curfew::server {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
// Bounds a keeper that has been stopped from outside; servers have their own graces, which are shorter.
constexpr time_t kLongest = 60;

// What the handler needs. Lock-free, so it may be read there.
std::atomic<int> control_socket = -1;
std::atomic<int> keeper_pidfd = -1;
std::atomic<pid_t> owner = 0;
static_assert(std::atomic<int>::is_always_lock_free);

// Everything below runs in a signal handler: only what signal-safety(7) lists.
time_t Seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

void AwaitKeeper(int pidfd) {
  const time_t until = Seconds() + kLongest;
  while (Seconds() < until) {
    pollfd ended{pidfd, POLLIN, 0};
    if (::poll(&ended, 1, 1000) > 0) return;
  }
}

void OnSignal(int signal) {
  const int saved_errno = errno;
  if (::getpid() == owner && control_socket >= 0) {
    // End of file is the one message that can be sent from here: the keeper stops all, then ends.
    ::shutdown(control_socket, SHUT_WR);
    ::syscall(SYS_pidfd_send_signal, keeper_pidfd.load(), SIGCONT, nullptr, 0);  // it may have been stopped
    AwaitKeeper(keeper_pidfd);
  }
  // The disposition is the default by now (SA_RESETHAND), and the signal is not blocked (SA_NODEFER).
  ::raise(signal);
  errno = saved_errno;
}

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &OnSignal;
}

}  // namespace

void InstallSignalHandlers(int control, int keeper) {
  const char* wish = std::getenv("CURFEW_SIGNALS");
  if (wish != nullptr && std::string_view(wish) == "off") return;
  control_socket = control;
  keeper_pidfd = keeper;
  owner = ::getpid();
  for (const int signal : kSignals) {
    struct sigaction present {};
    ::sigaction(signal, nullptr, &present);
    if ((present.sa_flags & SA_SIGINFO) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = &OnSignal;
    ours.sa_flags = static_cast<int>(SA_RESETHAND) | SA_NODEFER | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    ::sigaction(signal, &ours, nullptr);
  }
}

void RemoveSignalHandlers() {
  for (const int signal : kSignals) {
    struct sigaction present {};
    ::sigaction(signal, nullptr, &present);
    if (!IsOurs(present)) continue;
    struct sigaction normal {};
    normal.sa_handler = SIG_DFL;
    ::sigaction(signal, &normal, nullptr);
  }
  control_socket = -1;
  keeper_pidfd = -1;
}

}  // namespace curfew::server
