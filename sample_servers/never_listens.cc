// SPDX-License-Identifier: Apache-2.0
// Lives, but is never ready.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  sample::Say("waiting for a lock that nobody will release");
  sample::BlockForEver();
}
