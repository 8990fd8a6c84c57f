// SPDX-License-Identifier: Apache-2.0
#include "readiness/unix_probe.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "process/file_descriptor.h"
#include "process/names.h"
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

// Why nobody accepted, in words where the errno alone would puzzle.
std::string DescribeRefusal(int error) {
  switch (error) {
    case ENOENT:
      return "not there";
    case ECONNREFUSED:
      return "nobody listens";
    case EAGAIN:
      return "its queue of connections is full";
    case EPROTOTYPE:
      return "is no stream socket";
    default:
      return "failed to connect: " + process::DescribeErrno(error);
  }
}

int Connect(int socket, const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() > UnixProbe::kLongestPath) return ENAMETOOLONG;
  text.copy(address.sun_path, text.size());
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

}  // namespace

UnixProbe::UnixProbe(std::filesystem::path path, const Subject& subject)
    : path_(std::move(path)),
      title_("socket " + Printable(path_.native())),
      proc_(*subject.proc),
      owner_(*subject.tree, *subject.proc),
      seen_(NotAsked(title_)) {}

Observation UnixProbe::Look(Deadline) {
  return seen_ = Ask();
}

std::optional<std::string> UnixProbe::Stranger() {
  return Ask().taken;
}

Observation UnixProbe::Ask() const {
  // Non-blocking: it is answered at once, or with EAGAIN when the server's queue is full.
  const process::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int error = socket.valid() ? Connect(socket.get(), path_) : errno;
  if (error != 0) return {.satisfied = false, .saw = title_ + ": " + DescribeRefusal(error), .taken = {}};
  return Judge(socket.get());
}

// The kernel tells which process called listen(2). It may since have ended and left the socket to its
// children, so only one that is alive, and not of the tree, is a stranger.
Observation UnixProbe::Judge(int connected) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  if (known && owner_.InTree(peer.pid)) {
    return {.satisfied = true, .saw = title_ + ": the server accepts connections", .taken = {}};
  }
  const std::optional<procfs::Stat> stat = known ? proc_.ReadStat(peer.pid) : std::nullopt;
  if (stat && !stat->exiting()) {
    const std::string held = title_ + ": is listened on by " + owner_.Describe(peer.pid);
    return {.satisfied = false, .saw = held, .taken = held};
  }
  const std::string why = known ? "pid " + std::to_string(peer.pid) + ", which listened, has ended"
                                : "the kernel does not name the process that listens";
  return {.satisfied = true,
          .saw = title_ + ": accepts connections (not provable that it is the server: " + why + ")",
          .taken = {}};
}

}  // namespace curfew::readiness
