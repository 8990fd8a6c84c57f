// SPDX-License-Identifier: Apache-2.0
// Echoes on a Unix stream socket at --socket PATH.
#include <sys/un.h>

#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"socket"});
  const std::string path = options.Text("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    std::fputs("--socket PATH of at most 107 bytes\n", stderr);
    return 2;
  }
  path.copy(address.sun_path, path.size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ::unlink(path.c_str());  // what a killed predecessor leaves
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    sample::Die("bind " + path);
  if (::listen(listener, SOMAXCONN) != 0) sample::Die("listen");
  sample::Say("listening on " + path);
  sample::ServeEcho(listener);
}
