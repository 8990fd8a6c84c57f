// SPDX-License-Identifier: Apache-2.0
// A master with --workers N (default 4) in its own process group that share the listening socket. It hands no
// signal on to them and lives until the last of them has ended.
#include <sys/wait.h>

#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"workers"});
  const int listener = sample::BindTcp(options.port());
  sample::Children workers;
  for (int i = options.Number("workers", 4); i > 0; --i) {
    workers.Add([] {}, [listener] { sample::ServeEcho(listener); });
  }
  sample::Listen(listener);
  workers.Go();
  while (::wait(nullptr) > 0) {
    // A worker less is no reason to fork another: the test that killed it wants it gone.
  }
}
