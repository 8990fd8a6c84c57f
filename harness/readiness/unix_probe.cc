// SPDX-License-Identifier: Apache-2.0
#include "readiness/unix_probe.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "process/file_descriptor.h"
#include "process/names.h"
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

// Why nobody accepted, in words where the errno alone would puzzle.
std::string DescribeRefusal(int error, UnixProbe::Type type) {
  const bool stream = type == UnixProbe::Type::kStream;
  switch (error) {
    case ENOENT:
      return "not there";
    case ECONNREFUSED:
      return stream ? "nobody listens" : "nobody is bound to it";
    case EAGAIN:
      return "its queue of connections is full";
    case EPROTOTYPE:
      return stream ? "is no stream socket" : "is no datagram socket";
    default:
      return "failed to connect: " + process::DescribeErrno(error);
  }
}

// Connecting a datagram socket sends nothing (connect(2)); it only shows whether somebody is there.
int Connect(int socket, const UnixAddress& where) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (where.text.size() > UnixAddress::kLongest) return ENAMETOOLONG;
  where.text.copy(address.sun_path, where.text.size());
  if (where.abstract()) address.sun_path[0] = '\0';
  // The length of an abstract name is told by that of the address; a path ends in a NUL.
  const std::size_t size =
      offsetof(sockaddr_un, sun_path) + where.text.size() + (where.abstract() ? 0 : 1);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) == 0 ? 0 : errno;
}

}  // namespace

UnixProbe::UnixProbe(Type type, UnixAddress address, const Subject& subject)
    : type_(type),
      address_(std::move(address)),
      title_((type == Type::kStream ? "socket " : "datagram socket ") + Printable(address_.text)),
      proc_(*subject.proc),
      table_(*subject.unix_sockets),
      owner_(*subject.tree, *subject.proc),
      seen_(NotAsked(title_)) {}

Observation UnixProbe::Look(Deadline) {
  return seen_ = Ask();
}

std::optional<std::string> UnixProbe::Stranger() {
  return Ask().taken;
}

Observation UnixProbe::Ask() {
  // Non-blocking: it is answered at once, or with EAGAIN when the server's queue is full.
  const int type = type_ == Type::kStream ? SOCK_STREAM : SOCK_DGRAM;
  const process::FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int error = socket.valid() ? Connect(socket.get(), address_) : errno;
  // What is asked again and again fills the queue itself if the server does not accept yet; it listens all the same.
  if (error == EAGAIN && accepted_) return JudgeHolder("");
  if (error != 0) return {.satisfied = false, .saw = title_ + ": " + DescribeRefusal(error, type_), .taken = {}};
  accepted_ = type_ == Type::kStream;
  return accepted_ ? JudgePeer(socket.get()) : JudgeHolder("");
}

// The process that listened need not be the one that has the socket: it may have ended and left it to its children, or
// have made it for the server, as our own warden does with ServerSpec::sockets. So it is believed only if it is of the
// tree, and blamed only where the socket itself is nowhere to be found.
Observation UnixProbe::JudgePeer(int connected) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  if (known && owner_.InTree(peer.pid)) {
    return {.satisfied = true, .saw = title_ + ": the server accepts connections", .taken = {}};
  }
  const std::optional<procfs::Stat> stat = known ? proc_.ReadStat(peer.pid) : std::nullopt;
  const bool lives = stat && !stat->exiting();
  Observation seen = JudgeHolder(!known  ? "the kernel does not name the process that listens"
                                 : lives ? "pid " + std::to_string(peer.pid) + ", which listened, is not of the server"
                                         : "pid " + std::to_string(peer.pid) + ", which listened, has ended");
  if (!lives || !seen.unproven || table_shows_it_) return seen;
  const std::string held = title_ + ": is listened on by " + owner_.Describe(peer.pid);
  return {.satisfied = false, .saw = held, .taken = held};
}

Observation UnixProbe::JudgeHolder(const std::string& why_not_peer) {
  const bool stream = type_ == Type::kStream;
  const std::string yes = title_ + (stream ? ": the server accepts connections" : ": the server is bound to it");
  const auto not_provable = [&](const std::string& why) {
    const std::string both = why_not_peer + (why_not_peer.empty() || why.empty() ? "" : "; ") + why;
    return Observation{.satisfied = true,
                       .saw = title_ + (stream ? ": accepts connections" : ": somebody is bound to it") +
                              " (not provable that it is the server: " + both + ")",
                       .taken = {},
                       .unproven = true};
  };
  const auto sockets = table_.At(address_);
  table_shows_it_ = false;
  if (!sockets.ok()) return not_provable("failed to " + sockets.failure().ToString());
  for (const UnixSocket& socket : sockets.value()) {
    if (stream ? !socket.listens : socket.type != SOCK_DGRAM) continue;
    table_shows_it_ = true;
    const Ownership whose = owner_.Of(socket.inode, socket.uid);
    if (whose.verdict == Ownership::Verdict::kOurs) return {.satisfied = true, .saw = yes, .taken = {}};
    if (whose.verdict == Ownership::Verdict::kNotProvable) return not_provable(whose.holder);
    const std::string held = title_ + ": is held by " + whose.holder;
    if (whose.verdict == Ownership::Verdict::kUnclear) return {.satisfied = false, .saw = held, .taken = {}};
    return {.satisfied = false, .saw = held, .taken = held};
  }
  return not_provable(why_not_peer.empty() ? "the kernel's table does not show it" : "");
}

}  // namespace curfew::readiness
