// SPDX-License-Identifier: Apache-2.0
// Echoes; for each byte it calls listen(2) once more on a socket of its own before it answers, as a server that begins
// new workers all the time. A call that fails is its end.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  const int listener = sample::ListenTcp(options.port());
  sample::ServeEcho(listener, [](std::string_view piece) {
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const int another = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::listen(another, 1) != 0) sample::Die("listen");
      ::close(another);
    }
  });
}
