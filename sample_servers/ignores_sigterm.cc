// SPDX-License-Identifier: Apache-2.0
// Ignores the polite signals, itself and one child. Only SIGKILL ends it.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  for (const int polite : {SIGTERM, SIGINT, SIGHUP}) ::signal(polite, SIG_IGN);
  const int listener = sample::BindTcp(options.port());
  sample::Children children;
  children.Add([] {}, sample::BlockForEver);
  sample::Listen(listener);
  children.Go();
  sample::ServeEcho(listener);
}
