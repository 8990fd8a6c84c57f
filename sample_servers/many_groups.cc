// SPDX-License-Identifier: Apache-2.0
// Four children, each in a session and process group of its own: no one number reaches them all.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  const int listener = sample::BindTcp(options.port());
  sample::Children children;
  for (int i = 0; i < 4; ++i) children.Add([] { ::setsid(); }, sample::BlockForEver);
  sample::Listen(listener);
  children.Go();
  sample::ServeEcho(listener);
}
