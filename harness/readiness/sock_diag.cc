// SPDX-License-Identifier: Apache-2.0
#include "readiness/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace curfew::readiness {
namespace {

using process::Failure;
using process::FileDescriptor;
using process::Result;

struct Question {
  nlmsghdr header{};
  inet_diag_req_v2 request{};
};

constexpr std::uint32_t kListening = 1U << TCP_LISTEN;
constexpr std::uint32_t kAnyState = ~0U;
// The kernel gives this number to the loopback interface of every network namespace (LOOPBACK_IFINDEX).
constexpr std::uint32_t kLoopbackDevice = 1;

Question MakeQuestion(int family, std::uint16_t port, std::uint32_t states, int protocol, std::uint32_t ipv4,
                      std::uint32_t sequence) {
  const bool all = states != 0;
  Question question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = all ? NLM_F_REQUEST | NLM_F_DUMP : NLM_F_REQUEST;
  question.header.nlmsg_seq = sequence;
  question.request.sdiag_family = static_cast<std::uint8_t>(family);
  question.request.sdiag_protocol = static_cast<std::uint8_t>(protocol);
  question.request.idiag_states = states;  // heeded by "all" only
  question.request.id.idiag_sport = htons(port);
  question.request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  question.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  // Finds what is bound to no device, too; without it one that is bound to this one would not be met.
  if (!all) question.request.id.idiag_if = kLoopbackDevice;
  if (!all && family == AF_INET) question.request.id.idiag_src[0] = htonl(ipv4);
  if (!all && family == AF_INET6) question.request.id.idiag_src[3] = htonl(1);
  return question;
}

// The older question (TCPDIAG_GETSOCK): its list has the sockets of both families, in half the time of two lists.
struct QuestionToBoth {
  nlmsghdr header{};
  inet_diag_req request{};
};

QuestionToBoth MakeQuestionToBoth(std::uint16_t port, std::uint32_t states, std::uint32_t sequence) {
  QuestionToBoth question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = TCPDIAG_GETSOCK;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.header.nlmsg_seq = sequence;
  question.request.idiag_family = AF_INET;  // not heeded
  question.request.idiag_states = states;
  question.request.id.idiag_sport = htons(port);
  return question;
}

// The message's payload as a T; nothing if it is too short for one.
template <class T>
std::optional<T> Payload(std::span<const char> message) {
  if (message.size() < sizeof(nlmsghdr) + sizeof(T)) return std::nullopt;
  T payload;
  std::memcpy(&payload, message.data() + sizeof(nlmsghdr), sizeof payload);
  return payload;
}

// The byte that an attribute of the answer holds (inet_diag_msg and then a list of rtattr).
std::optional<std::uint8_t> FindByte(std::span<const char> message, int wanted) {
  constexpr std::size_t kHead = NLMSG_ALIGN(sizeof(nlmsghdr) + sizeof(inet_diag_msg));
  if (message.size() < kHead) return std::nullopt;
  std::span<const char> rest = message.subspan(kHead);
  while (rest.size() >= sizeof(rtattr)) {
    rtattr attribute;
    std::memcpy(&attribute, rest.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) return std::nullopt;
    if (attribute.rta_type == wanted && attribute.rta_len > RTA_LENGTH(0)) {
      return static_cast<std::uint8_t>(rest[RTA_LENGTH(0)]);
    }
    rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
  }
  return std::nullopt;
}

// One that is bound to another device than loopback's (SO_BINDTODEVICE) gets nothing of what is sent there.
bool OnLoopback(const inet_diag_msg& message) {
  return message.id.idiag_if == 0 || message.id.idiag_if == kLoopbackDevice;
}

void Append(const inet_diag_msg& message, std::span<const char> whole, std::vector<ListeningSocket>& found) {
  std::array<char, INET6_ADDRSTRLEN> address{};
  ::inet_ntop(message.idiag_family, message.id.idiag_src, address.data(), address.size());
  found.push_back(
      {.address = address.data(),
       .port = ntohs(message.id.idiag_sport),
       .inode = message.idiag_inode,
       .uid = message.idiag_uid,
       .state = message.idiag_state,
       .ipv6_only = message.idiag_family == AF_INET6 && FindByte(whole, INET_DIAG_SKV6ONLY).value_or(0) != 0});
}

// What a message that is no listener says: 0 for "that was all", or an errno.
int EndOf(std::span<const char> message) {
  // NLMSG_DONE and NLMSG_ERROR both begin with a negative errno, or 0.
  return -Payload<int>(message).value_or(-EBADMSG);
}

}  // namespace

Result<SockDiag> SockDiag::Open() {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket.valid()) return Failure{"open a NETLINK_SOCK_DIAG socket", errno};
  return Over(std::move(socket));
}

Result<SockDiag> SockDiag::Over(FileDescriptor socket) {
  SockDiag diag(std::move(socket));
  // A port on which nobody listens: what matters is that the question is understood.
  const Result<std::vector<ListeningSocket>> tried = diag.All(AF_INET, 1);
  if (!tried.ok()) return tried.failure();
  diag.has_ipv6_ = diag.All(AF_INET6, 1).ok();
  return diag;
}

int SockDiag::Ask(int family, std::uint16_t port, std::uint32_t states, int protocol, std::uint32_t ipv4) {
  const auto send = [this](const auto& question) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const ssize_t sent = ::sendto(socket_.get(), &question, sizeof question, MSG_DONTWAIT,
                                  reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    return sent == sizeof question ? 0 : errno;
  };
  ++sequence_;
  if (family == AF_UNSPEC) return send(MakeQuestionToBoth(port, states, sequence_));
  return send(MakeQuestion(family, port, states, protocol, ipv4, sequence_));
}

int SockDiag::Answer(std::uint32_t states, std::vector<ListeningSocket>& found) {
  alignas(nlmsghdr) std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EBADMSG : errno;
    std::span<const char> rest(buffer.data(), static_cast<std::size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) return EBADMSG;
      const std::span<const char> message = rest.first(header.nlmsg_len);
      rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
      if (header.nlmsg_seq != sequence_) continue;  // the rest of an answer that was given up
      if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY && header.nlmsg_type != TCPDIAG_GETSOCK) return EndOf(message);
      const std::optional<inet_diag_msg> listener = Payload<inet_diag_msg>(message);
      if (!listener) return EBADMSG;
      // An exact question may be answered with a connection; a connection is nobody who listens. Who uses a port keeps
      // others from binding it whatever device he is bound to.
      const bool listens = states != 0 || listener->idiag_state == TCP_LISTEN;
      if (states == kAnyState || (listens && OnLoopback(*listener))) Append(*listener, message, found);
      if (states == 0) return 0;
    }
  }
}

Result<std::optional<ListeningSocket>> SockDiag::Exact(int family, std::uint16_t port,
                                                           std::uint32_t ipv4) {
  std::vector<ListeningSocket> found;
  int error = Ask(family, port, 0, IPPROTO_TCP, ipv4);
  if (error == 0) error = Answer(0, found);
  if (error != 0 && error != ENOENT) return Failure{"ask sock_diag for port " + std::to_string(port), error};
  if (found.empty()) return std::optional<ListeningSocket>();
  return std::optional(std::move(found.front()));
}

Result<std::vector<ListeningSocket>> SockDiag::Dump(int family, std::uint16_t port, std::uint32_t states,
                                                    int protocol) {
  std::vector<ListeningSocket> found;
  int error = Ask(family, port, states, protocol);
  if (error == 0) error = Answer(states, found);
  if (error != 0) return Failure{"list the sockets of port " + std::to_string(port), error};
  // Those that are bound and do not listen the kernel lists whatever their port is (net/ipv4/inet_diag.c).
  if (port != 0) std::erase_if(found, [port](const ListeningSocket& socket) { return socket.port != port; });
  return found;
}

Result<std::vector<ListeningSocket>> SockDiag::All(int family, std::uint16_t port) {
  return Dump(family, port, kListening, IPPROTO_TCP);
}

Result<std::vector<ListeningSocket>> SockDiag::Users(int family, std::uint16_t port, int protocol) {
  return Dump(family, port, kAnyState, protocol);
}

}  // namespace curfew::readiness
