// SPDX-License-Identifier: Apache-2.0
#include "process/tcp_connect.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "process/await_fd.h"

namespace curfew::process {

Result<FileDescriptor> BeginConnect(const std::string& host, std::uint16_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  const std::string operation = "connect to " + (ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const int parsed =
      ipv6 ? ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) : ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr);
  if (parsed != 1) return Failure{operation, EINVAL};
  FileDescriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return Failure{operation, errno};
  const auto* address = ipv6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const auto size = static_cast<socklen_t>(ipv6 ? sizeof v6 : sizeof v4);
  if (::connect(socket.get(), address, size) != 0 && errno != EINPROGRESS) return Failure{operation, errno};
  return socket;
}

Result<FileDescriptor> FinishConnect(FileDescriptor socket, Deadline deadline) {
  if (const int error = AwaitFd(socket.get(), POLLOUT, deadline)) return Failure{"connect", error};
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Failure{"connect", error};
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
  return socket;
}

}  // namespace curfew::process
