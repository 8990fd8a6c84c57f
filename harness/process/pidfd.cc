// SPDX-License-Identifier: Apache-2.0
#include "process/pidfd.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace curfew::process {
namespace {

// From linux/pidfd.h of 6.9; the headers here may be older than the kernel.
constexpr unsigned int kProcessGroup = 1U << 2;

// By syscall(2): glibc 2.36 declares pidfd_open without extern "C" (its sys/pidfd.h lacks __BEGIN_DECLS), so
// from C++ it does not link.
int Send(int pidfd, int signal, unsigned int flags) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, flags) == 0 ? 0 : errno;
}

}  // namespace

Result<Pidfd> Pidfd::Open(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0U);
  if (fd < 0) return Failure{.operation = "pin process " + std::to_string(pid), .error = errno};
  return Pidfd(pid, FileDescriptor(static_cast<int>(fd)));
}

int Pidfd::Signal(int signal) const {
  return Send(fd_.get(), signal, 0);
}

int Pidfd::SignalGroup(int signal) const {
  return Send(fd_.get(), signal, kProcessGroup);
}

bool Pidfd::Ended() const {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  int count = 0;
  do {
    count = ::poll(&ready, 1, 0);
  } while (count < 0 && errno == EINTR);
  // POLLHUP alone is never the first sign: it comes with the collecting, POLLIN with the end (pidfd_open(2)).
  return count == 1 && (ready.revents & POLLIN) != 0;
}

}  // namespace curfew::process
