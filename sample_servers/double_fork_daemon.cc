// SPDX-License-Identifier: Apache-2.0
// Leaves a daemon behind as the books say: double fork, session of its own, chdir to /, descriptors closed.
// The leader serves; with --leader-exits it exits with 0 at once and the daemon serves the port.
#include <fcntl.h>
#include <sys/wait.h>

#include "sample.h"

namespace {

constexpr unsigned kAll = ~0U;

[[noreturn]] void BeDaemon(int listener) {
  sample::ArmSelfDestruct();
  if (::chdir("/") != 0) sample::Die("chdir");
  sample::Say("daemon " + std::to_string(::getpid()));
  if (listener >= 0) {
    sample::Listen(listener);
    const auto kept = static_cast<unsigned>(listener);
    ::close_range(0, kept - 1, 0);
    ::close_range(kept + 1, kAll, 0);
    sample::ServeEcho(listener);
  }
  ::close_range(0, kAll, 0);
  sample::BlockForEver();
}

}  // namespace

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"leader-exits"});
  const bool leader_exits = options.Has("leader-exits");
  const int listener = sample::BindTcp(options.port());
  std::array<int, 2> detached{};
  if (::pipe2(detached.data(), O_CLOEXEC) != 0) sample::Die("pipe");
  const pid_t between = ::fork();
  if (between == 0) {
    ::setsid();
    if (::fork() == 0) BeDaemon(leader_exits ? listener : -1);
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
  if (leader_exits) return 0;
  // The end of the pipe is the daemon's closing of its descriptors: whoever finds the port finds it detached.
  ::close(detached[1]);
  char byte = 0;
  if (::read(detached[0], &byte, 1) != 0) sample::Die("daemon");
  sample::Listen(listener);
  sample::ServeEcho(listener);
}
