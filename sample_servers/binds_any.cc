// SPDX-License-Identifier: Apache-2.0
// Listens on --count ports of the kernel's choice and echoes on the last of them.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"count"});
  int listener = -1;
  for (int i = options.Number("count", 2); i > 0; --i) listener = sample::ListenTcp(0);
  sample::ServeEcho(listener);
}
