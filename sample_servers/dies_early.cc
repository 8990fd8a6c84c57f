// SPDX-License-Identifier: Apache-2.0
// Ends before it listens: with --code (default 1) or by --signal, at once or --after-ms.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"code", "signal", "after-ms"});
  sample::Say("reading configuration");
  sample::Say("opening the database");
  std::fputs("fatal: no such database: orders\n", stderr);
  std::this_thread::sleep_for(options.Milliseconds("after-ms", 0));
  sample::EndAs(options, 1);
}
