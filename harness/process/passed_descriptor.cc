// SPDX-License-Identifier: Apache-2.0
#include "process/passed_descriptor.h"

#include <sys/socket.h>

#include <cstring>

namespace curfew::process {

ssize_t SendWithDescriptor(int socket, const void* data, std::size_t size, int descriptor) {
  iovec bytes{const_cast<void*>(data), size};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const attached = CMSG_FIRSTHDR(&header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(attached), &descriptor, sizeof(int));
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL);
}

ssize_t ReceiveWithDescriptor(int socket, void* data, std::size_t size, FileDescriptor& descriptor) {
  iovec bytes{data, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return got;
  // There is room for one: the kernel closes what is more.
  if (const cmsghdr* attached = CMSG_FIRSTHDR(&header);
      attached != nullptr && attached->cmsg_level == SOL_SOCKET && attached->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(attached), sizeof fd);
    descriptor.Reset(fd);
  }
  return got;
}

}  // namespace curfew::process
