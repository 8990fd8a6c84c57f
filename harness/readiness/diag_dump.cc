// SPDX-License-Identifier: Apache-2.0
#include "readiness/diag_dump.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "process/file_descriptor.h"

namespace curfew::readiness {
namespace {

using Take = std::function<void(std::span<const std::byte>)>;

int Ask(int socket, std::span<const std::byte> request) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + request.size());
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::vector<std::byte> message(header.nlmsg_len);
  std::memcpy(message.data(), &header, sizeof header);
  std::memcpy(message.data() + sizeof header, request.data(), request.size());
  return ::send(socket, message.data(), message.size(), MSG_DONTWAIT) == static_cast<ssize_t>(message.size()) ? 0
                                                                                                             : errno;
}

// Shows what one datagram holds. Nothing if more will come, else the errno, or 0 for the end.
std::optional<int> TakeAll(std::span<const std::byte> rest, const Take& take) {
  while (rest.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) return EBADMSG;
    const auto payload = rest.first(header.nlmsg_len).subspan(sizeof header);
    rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      take(payload);
      continue;
    }
    // NLMSG_DONE and NLMSG_ERROR both begin with a negative errno, or 0.
    int error = 0;
    if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
    return -error;
  }
  return std::nullopt;
}

}  // namespace

int DumpSockets(std::span<const std::byte> request, const Take& take) {
  // One socket for each list: what is left of a list that was given up goes with it.
  const process::FileDescriptor socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket.valid()) return errno;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) return errno;
  if (const int error = Ask(socket.get(), request)) return error;
  alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
  while (true) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EBADMSG : errno;
    const auto ended = TakeAll(std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got)), take);
    if (ended) return *ended;
  }
}

}  // namespace curfew::readiness
