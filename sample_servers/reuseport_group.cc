// SPDX-License-Identifier: Apache-2.0
// The leader and --workers N children each listen on the port by a socket of their own (SO_REUSEPORT), as
// nginx and envoy can; the kernel deals the clients out among them. Each echoes.
#include "sample.h"

namespace {

int ListenInGroup(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = sample::listen_address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) sample::Die("bind");
  sample::Listen(fd);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"workers"});
  int listener = -1;
  const auto listen = [&] { listener = ListenInGroup(options.port()); };
  sample::Children workers;
  for (int i = 0; i < options.Number("workers", 3); ++i) {
    workers.Add(listen, [&] { sample::ServeEcho(listener); });
  }
  listen();
  workers.Go();
  sample::ServeEcho(listener);
}
