// SPDX-License-Identifier: Apache-2.0
#include "readiness/notify_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace curfew::readiness {

process::Result<std::unique_ptr<NotifyPipe>> NotifyPipe::Make() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return process::Failure{"make a pipe", errno};
  auto pipe = std::make_unique<NotifyPipe>();
  pipe->read_end_.Reset(ends[0]);
  pipe->server_end_.Reset(ends[1]);
  // Ours alone: O_NONBLOCK belongs to the open file, and the two ends are two.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return process::Failure{"set up a pipe", errno};
  return pipe;
}

void NotifyPipe::Drain() {
  constexpr int kMostReads = 16;  // whoever writes on and on delays nobody's death notice
  std::array<char, 4096> bytes;
  for (int reads = 0; reads < kMostReads && fd() >= 0; ++reads) {
    const ssize_t got = ::read(read_end_.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) {
      ended_ = true;
      return;
    }
    if (std::find(bytes.begin(), bytes.begin() + got, '\n') != bytes.begin() + got) notified_ = true;
  }
}

}  // namespace curfew::readiness
