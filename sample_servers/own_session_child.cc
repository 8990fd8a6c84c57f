// SPDX-License-Identifier: Apache-2.0
// Its child moves to a session of its own, out of reach of a signal to the group, and serves on even when the
// leader is gone.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  const int listener = sample::BindTcp(options.port());
  sample::Children children;
  children.Add([] { ::setsid(); }, [listener] { sample::ServeEcho(listener); });
  sample::Listen(listener);
  children.Go();
  sample::ServeEcho(listener);
}
