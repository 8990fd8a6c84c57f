// SPDX-License-Identifier: Apache-2.0
// The well-behaved one: listens and echoes.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  sample::ServeEcho(sample::ListenTcp(options.port()));
}
