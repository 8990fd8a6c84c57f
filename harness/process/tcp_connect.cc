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
  const std::string operation = "connect to " + host + ':' + std::to_string(port);
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (!socket.valid()) return Failure{operation, errno};
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return Failure{operation, EINVAL};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    return Failure{operation, errno};
  }
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
