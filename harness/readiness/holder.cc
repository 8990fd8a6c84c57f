// SPDX-License-Identifier: Apache-2.0
#include "readiness/holder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "process/mark.h"
#include "readiness/sock_diag.h"
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

// ", server "redis" of run 12ab".
std::string DescribeMark(const procfs::Proc& proc, pid_t pid) {
  const auto mark = process::Mark::Read(proc, pid);
  if (!mark) return "";
  const std::string run = Printable(mark->run);
  if (mark->server.empty()) return ", begun by a test of run " + run;
  const auto owner = process::Owner::Read(proc, pid);
  const bool over = owner && owner->Alive(proc) == false;
  return ", server " + Quoted(mark->server) + " of run " + run + (over ? ", which is over: yesterday's orphan" : "");
}

std::optional<pid_t> FindHolder(const procfs::Proc& proc, std::uint64_t inode) {
  for (const pid_t pid : proc.Pids()) {
    const auto sockets = proc.SocketInodes(pid);
    if (sockets && std::find(sockets->begin(), sockets->end(), inode) != sockets->end()) return pid;
  }
  return std::nullopt;
}

bool IsBound(int state) { return state == SockDiag::kBoundInactive || state == TCP_CLOSE; }

// How much a socket in this state is to blame: a listener before one that is bound, before connections.
int Rank(const ListeningSocket& socket) {
  if (socket.state == TCP_LISTEN) return 0;
  if (IsBound(socket.state)) return 1;
  return socket.inode != 0 ? 2 : 3;
}

std::string DescribeUse(int state, int protocol) {
  if (state == TCP_LISTEN) return " is listened on by ";
  if (!IsBound(state)) return " is in use by a connection of ";
  return protocol == IPPROTO_UDP ? " is bound by " : " is bound (without listening) by ";
}

// Whether a socket at this address keeps others from binding the host; "" means every address.
bool IsInTheWay(std::string_view address, const std::string& host) {
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  return host.empty() || address == host || address == "0.0.0.0" || address == "::";
}

}  // namespace

std::string DescribeHolder(const procfs::Proc& proc, pid_t pid) {
  std::string text = "pid " + std::to_string(pid);
  if (const std::optional<ProcessInfo> info = proc.Describe(pid)) {
    text += " (" + (info->command.empty() ? Printable(info->name) : info->CommandLine()) + ")";
  }
  if (pid == ::getpid()) return text + ", this test program itself";
  return text + DescribeMark(proc, pid);
}

std::string DescribePortHolder(const procfs::Proc& proc, const TakenPort& port) {
  const int protocol = port.udp ? IPPROTO_UDP : IPPROTO_TCP;
  process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) return "";
  std::vector<ListeningSocket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    auto found = diag->Users(family, port.number, protocol);
    if (found.ok()) sockets.insert(sockets.end(), found->begin(), found->end());
  }
  std::erase_if(sockets, [&](const ListeningSocket& socket) {
    return port.holds.contains(socket.inode) || !IsInTheWay(socket.address, port.host);
  });
  if (sockets.empty()) return "";
  const ListeningSocket& worst = *std::ranges::min_element(sockets, {}, Rank);
  if (worst.inode == 0) return worst.ToString() + " is still in use by connections that have ended (TIME_WAIT)";
  const std::optional<pid_t> holder = FindHolder(proc, worst.inode);
  return (port.udp ? "UDP " : "") + worst.ToString() + DescribeUse(worst.state, protocol) +
         (holder ? DescribeHolder(proc, *holder)
                 : "a process of uid " + std::to_string(worst.uid) + " whose descriptors cannot be read");
}

}  // namespace curfew::readiness
