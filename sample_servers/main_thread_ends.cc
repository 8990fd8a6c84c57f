// SPDX-License-Identifier: Apache-2.0
// Serves from another thread while the main one has ended (pthread_exit): the kernel shows such a process as a zombie.
#include <pthread.h>

#include <thread>

#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  const int listener = sample::ListenTcp(options.port());
  std::thread([listener] { sample::ServeEcho(listener); }).detach();
  ::pthread_exit(nullptr);
}
