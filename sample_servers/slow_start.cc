// SPDX-License-Identifier: Apache-2.0
// Takes --delay-ms (default 1000) before it listens.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"delay-ms"});
  std::this_thread::sleep_for(options.Milliseconds("delay-ms", 1000));
  sample::ServeEcho(sample::ListenTcp(options.port()));
}
