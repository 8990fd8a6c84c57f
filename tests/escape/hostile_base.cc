// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "hostile.h"

namespace hostile {
namespace {

Page* page = nullptr;

void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace

void ArmSelfDestruct() {
  // A handler, since the first process of a PID namespace ignores what it does not handle.
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(0); };
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(kLifetimeSeconds);
}

void Begin() {
  ArmSelfDestruct();
  if (const std::string path = Variable("ESCAPE_MARKER"); !path.empty()) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0 || ::dup2(fd, kMarkerFd) < 0) Die("ESCAPE_MARKER");  // without close-on-exec, as it is to go along
  }
  void* const map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, kMarkerFd, 0);
  if (map == MAP_FAILED) Die("mmap of the marker");
  page = static_cast<Page*>(map);
}

Page& ThePage() {
  return *page;
}

pid_t Fork(int budget) {
  if (page->born.fetch_add(1) >= budget) {
    page->born.fetch_sub(1);
    return -1;
  }
  const pid_t pid = ::fork();
  if (pid == 0) ArmSelfDestruct();
  if (pid < 0) page->born.fetch_sub(1);
  return pid;
}

pid_t Clone(unsigned long flags) {
  page->born.fetch_add(1);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) ArmSelfDestruct();
  return pid;
}

void Idle() {
  for (;;) ::pause();
}

void Pause(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}

void SayInPlace() {
  page->in_place.fetch_add(1);
}

void AwaitInPlace(int count) {
  while (page->in_place.load() < count) Pause(1);  // the self-destruct ends this at the latest
}

void Child(const std::function<void()>& escape, const std::function<void()>& live) {
  const pid_t pid = Fork();
  if (pid < 0) Die("fork");
  if (pid > 0) return;
  escape();
  SayInPlace();
  live();
  ::_exit(0);
}

void Daemon(const std::function<void()>& escape, const std::function<void()>& live) {
  const pid_t between = Fork();
  if (between < 0) Die("fork");
  if (between == 0) {
    ::setsid();
    const pid_t parent = ::getpid();
    Child(
        [&escape, parent] {
          // In place only when adopted: whoever looks then finds it gone from its parent.
          while (::getppid() == parent) Pause(1);
          if (::chdir("/") != 0) ::_exit(1);
          escape();
        },
        live);
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void IgnoreStopSignals() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
}

}  // namespace hostile
