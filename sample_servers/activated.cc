// SPDX-License-Identifier: Apache-2.0
// Takes its sockets from whoever started it (sd_listen_fds(3)), says what they are, and echoes on the first.
#include <sys/un.h>

#include "sample.h"

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "(not set)";
}

std::string Describe(int fd) {
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  sockaddr_storage address{};
  size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string family = address.ss_family == AF_INET ? "inet" : "unix";
  return family + (type == SOCK_STREAM ? " stream" : " datagram") + (listens != 0 ? " listens" : " bound");
}

}  // namespace

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"delay-ms"});
  if (Variable("LISTEN_PID") != std::to_string(::getpid())) sample::Die("LISTEN_PID is " + Variable("LISTEN_PID"));
  sample::Say("names " + Variable("LISTEN_FDNAMES"));
  const int count = std::atoi(Variable("LISTEN_FDS").c_str());
  for (int fd = 3; fd < 3 + count; ++fd) sample::Say("socket " + Describe(fd));
  if (::lseek(3 + count, 0, SEEK_CUR) >= 0 || errno != EBADF) sample::Die("one more descriptor is open");
  std::this_thread::sleep_for(options.Milliseconds("delay-ms", 0));
  sample::ServeEcho(3);
}
