// SPDX-License-Identifier: Apache-2.0
// Serves until a client sends "die\n", then ends with --code (default 1) or by --signal.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"code", "signal"});
  sample::ServeEcho(sample::ListenTcp(options.port()), [&options](std::string_view piece) {
    if (piece == "die\n") {
      std::fputs("fatal: assertion failed: order != nullptr\n", stderr);
      sample::EndAs(options, 1);
    }
  });
}
