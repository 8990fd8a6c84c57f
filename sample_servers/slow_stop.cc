// SPDX-License-Identifier: Apache-2.0
// Shuts down cleanly on SIGTERM, but takes --stop-ms (default 1000) over it.
#include <ctime>

#include "sample.h"

namespace {

timespec stop_time;

void Print(std::string_view line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

// All of it in the handler, by async-signal-safe calls: the echo loop need not know.
void Stop(int) {
  Print("stopping\n");
  timespec left = stop_time;
  while (::nanosleep(&left, &left) != 0) {
  }
  Print("stopped\n");
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"stop-ms"});
  const int milliseconds = options.Number("stop-ms", 1000);
  stop_time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000L};
  ::signal(SIGTERM, Stop);
  sample::ServeEcho(sample::ListenTcp(options.port()));
}
