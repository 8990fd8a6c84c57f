// SPDX-License-Identifier: Apache-2.0
// For measurements: after --delay-us it listens and puts the time of that (CLOCK_MONOTONIC, nanoseconds) into
// the first eight bytes of --stamp, a file that is there, and the time at which it called listen into the third eight.
// --print has it say so first, --activated listens on nothing of its own. With --now it puts the time into the second
// eight bytes, and ends.
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include <atomic>

#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"delay-us", "stamp", "print", "activated", "now"});
  const int file = ::open(options.Text("stamp").c_str(), O_RDWR | O_CLOEXEC);
  void* const map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) sample::Die("map --stamp");
  auto* const stamp = static_cast<std::atomic<std::int64_t>*>(map);
  const auto tell = [](std::atomic<std::int64_t>& where) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    where.store(now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  };
  if (options.Has("now")) {
    tell(stamp[1]);
    return 0;
  }
  std::this_thread::sleep_for(std::chrono::microseconds(options.Number("delay-us", 0)));
  int listener = 3;
  if (!options.Has("activated")) {
    listener = sample::BindTcp(options.port());
    if (options.Has("print")) sample::Say("about to listen");
    tell(stamp[2]);
    if (::listen(listener, SOMAXCONN) != 0) sample::Die("listen");
  }
  tell(*stamp);
  sample::ServeEcho(listener);
}
