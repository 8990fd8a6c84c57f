// SPDX-License-Identifier: Apache-2.0
// Echoes; sets neither SO_REUSEADDR nor SO_REUSEPORT, so it cannot bind over anybody's socket.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  const int listener = sample::BindTcp(options.port(), false);
  sample::Listen(listener);
  sample::ServeEcho(listener);
}
