// SPDX-License-Identifier: Apache-2.0
#include "keeper/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "process/await_fd.h"
#include "process/passed_descriptor.h"

namespace curfew::keeper {
namespace {

using process::Failure;
using process::FileDescriptor;

// Argument lists may be long (ARG_MAX is 2 MiB by default); a length beyond this is not one of ours.
constexpr std::uint32_t kMaxMessage = 256U << 20U;

}  // namespace

Channel::Channel(FileDescriptor socket) : socket_(std::move(socket)) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
  ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
}

process::Result<std::pair<Channel, Channel>> Channel::Pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return Failure{"socketpair", errno};
  return std::pair(Channel(FileDescriptor(ends[0])), Channel(FileDescriptor(ends[1])));
}

void Channel::Close() {
  closed_ = true;
  socket_.Reset();
  buffer_.clear();
}

void Channel::Break() {
  closed_ = true;
  buffer_.clear();
  // Not closed: somebody may be watching the descriptor, and hears of it by this, as the peer does.
  ::shutdown(fd(), SHUT_RDWR);
}

process::Result<void> Channel::Send(nlohmann::json body, Deadline deadline, int descriptor) {
  // Said in the message too: one read may bring several, and the kernel does not tell whose descriptor it is.
  if (descriptor >= 0) body["descriptor"] = true;
  return SendEncoded(Encode(body), deadline, descriptor);
}

std::string Channel::Encode(const nlohmann::json& body) {
  std::string bytes(sizeof(std::uint32_t), '\0');
  nlohmann::json::to_cbor(body, bytes);
  const auto length = static_cast<std::uint32_t>(bytes.size() - sizeof(std::uint32_t));
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes;
}

process::Result<void> Channel::SendEncoded(const std::string& bytes, Deadline deadline, int descriptor) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    if (!open()) return Failure{"send", EPIPE};
    // The descriptor rides on the first byte.
    const auto taken =
        process::SendWithDescriptor(fd(), bytes.data() + sent, bytes.size() - sent, sent == 0 ? descriptor : -1);
    if (taken >= 0) {
      sent += static_cast<std::size_t>(taken);
    } else if (errno == EAGAIN) {
      if (const int error = process::AwaitFd(fd(), POLLOUT, deadline)) {
        if (sent > 0) Break();  // the next message would be taken for the rest of this one
        return Failure{"send", error};
      }
    } else if (errno != EINTR) {
      return Failure{"send", errno == ECONNRESET ? EPIPE : errno};
    }
  }
  return {};
}

std::optional<Channel::Message> Channel::TryReceive() {
  if (auto message = TakeWhole()) return message;
  if (open()) ReadWhatIsThere();
  return TakeWhole();
}

process::Result<Channel::Message> Channel::Receive(Deadline deadline) {
  for (;;) {
    if (auto message = TryReceive()) return std::move(*message);
    if (!open()) return Failure{"receive", EPIPE};
    if (const int error = process::AwaitFd(fd(), POLLIN, deadline)) return Failure{"receive", error};
  }
}

void Channel::ReadWhatIsThere() {
  char chunk[65536];
  for (;;) {
    FileDescriptor came;
    const auto got = process::ReceiveWithDescriptor(fd(), chunk, sizeof chunk, came);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      closed_ = true;
      return;
    }
    buffer_.append(chunk, static_cast<std::size_t>(got));
    if (came.valid()) {
      descriptor_ = std::move(came);
      return;  // the message it rides on has to be taken before another descriptor can come
    }
  }
}

std::optional<Channel::Message> Channel::TakeWhole() {
  std::uint32_t length = 0;
  if (buffer_.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, buffer_.data(), sizeof length);
  if (length > kMaxMessage) {
    Break();
    return std::nullopt;
  }
  if (buffer_.size() < sizeof length + length) return std::nullopt;
  const auto begin = buffer_.begin() + sizeof length;
  auto body = nlohmann::json::from_cbor(begin, begin + length, true, false);
  buffer_.erase(0, sizeof length + length);
  if (body.is_discarded()) {
    Break();
    return std::nullopt;
  }
  Message message{std::move(body), FileDescriptor()};
  if (message.body.contains("descriptor")) message.descriptor = std::move(descriptor_);
  return message;
}

}  // namespace curfew::keeper
