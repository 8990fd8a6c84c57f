// SPDX-License-Identifier: Apache-2.0
#include "readiness/notify_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "process/names.h"

namespace curfew::readiness {
namespace {

constexpr std::size_t kLongestValue = 500;

sockaddr_un ToSockaddr(const UnixAddress& where, socklen_t& size) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  where.text.copy(address.sun_path, UnixAddress::kLongest);
  if (where.abstract()) address.sun_path[0] = '\0';
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.text.size() + (where.abstract() ? 0 : 1));
  return address;
}

template <class Number>
std::optional<Number> ToNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string DescribeErrorNumber(std::string_view text) {
  const auto number = ToNumber<int>(text);
  return number ? process::DescribeErrno(*number) : std::string(text);
}

// The sender, as the kernel attests it.
std::optional<pid_t> FindSender(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
    return sender.pid;
  }
  return std::nullopt;
}

void CloseDescriptors(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= part->cmsg_len; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      ::close(fd);
    }
  }
}

}  // namespace

process::Result<std::unique_ptr<NotifySocket>> NotifySocket::Bind(UnixAddress address) {
  const auto failed = [&](int error) { return process::Failure{"bind the socket " + address.text, error}; };
  if (address.text.size() > UnixAddress::kLongest) return failed(ENAMETOOLONG);
  process::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  socklen_t size = 0;
  const sockaddr_un where = ToSockaddr(address, size);
  // The credentials before the name: no message may come without them.
  if (!socket.valid() || ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), size) != 0) {
    return failed(errno);
  }
  if (!address.abstract() && ::chmod(address.text.c_str(), 0777) != 0) return failed(errno);
  return std::make_unique<NotifySocket>(std::move(address), std::move(socket));
}

NotifySocket::NotifySocket(UnixAddress address, process::FileDescriptor socket)
    : address_(std::move(address)), socket_(std::move(socket)) {}

NotifySocket::~NotifySocket() {
  Close();
}

void NotifySocket::Close() {
  if (!socket_.valid()) return;
  socket_.Reset();
  if (!address_.abstract()) ::unlink(address_.text.c_str());
}

void NotifySocket::Drain(Deadline now, const FindStranger& find_stranger) {
  constexpr int kMost = 64;  // whoever sends on and on delays nobody's death notice
  for (int taken = 0; taken < kMost && socket_.valid() && TakeOne(now, find_stranger); ++taken) {
  }
}

bool NotifySocket::TakeOne(Deadline now, const FindStranger& find_stranger) {
  std::array<char, 8192> text;
  iovec bytes{text.data(), text.size()};
  // Room for the credentials, and for some descriptors; the kernel closes those that find none.
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(16 * sizeof(int))> ancillary;
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.data();
  header.msg_controllen = ancillary.size();
  const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  if (got < 0) return errno == EINTR;
  const std::optional<pid_t> sender = FindSender(header);
  auto stranger = sender ? find_stranger(*sender) : std::optional<std::string>("a sender the kernel does not name");
  // Not before the sender has been looked at: one that waits for this is still there.
  CloseDescriptors(header);
  if (stranger) {
    ++news_.refused;
    news_.refused_sender = std::move(*stranger);
  } else {
    std::string_view message(text.data(), static_cast<std::size_t>(got));
    // Of a line that was cut nobody knows what it said.
    if ((header.msg_flags & MSG_TRUNC) != 0) message = message.substr(0, message.rfind('\n') + 1);
    TakeIn(message, now);
  }
  return true;
}

void NotifySocket::TakeIn(std::string_view message, Deadline now) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(message.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1, kLongestValue);
    if (name == "READY" && value == "1") news_.ready = true;
    if (name == "STOPPING" && value == "1") news_.stopping = true;
    if (name == "STATUS") news_.status = value;
    if (name == "MAINPID") news_.main_pid = value;
    if (name == "ERRNO") news_.error = DescribeErrorNumber(value);
    if (name == "EXIT_STATUS") news_.exit_status = value;
    if (name == "EXTEND_TIMEOUT_USEC") {
      // Beyond a day it makes no difference: the wait has a bound of its own.
      const std::uint64_t most = std::chrono::microseconds(std::chrono::hours(24)).count();
      const auto wanted = ToNumber<std::uint64_t>(value);
      if (wanted) news_.extended = now + std::chrono::microseconds(std::min(*wanted, most));
    }
  }
}

}  // namespace curfew::readiness
