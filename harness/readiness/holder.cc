// SPDX-License-Identifier: Apache-2.0
#include "readiness/holder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "readiness/sock_diag.h"
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

constexpr std::string_view kMark = "CURFEW_MARK";

// Whether no keeper of this run is alive: every run that has had a server has one, and it ends last. argv of a keeper is
// "curfew-keeper RUN ...".
bool RunIsOver(const procfs::Proc& proc, const std::string& run) {
  for (const pid_t pid : proc.Pids()) {
    const std::vector<std::string> command = proc.ReadCommand(pid);
    if (command.size() < 2 || command[1] != run) continue;
    if (std::filesystem::path(command[0]).filename() == "curfew-keeper") return false;
  }
  return true;
}

// ", server "redis" of run 12ab": the mark is run/test/server, and a test's name may itself hold a '/'.
std::string DescribeMark(const procfs::Proc& proc, const std::string& mark) {
  const std::string run = mark.substr(0, mark.find('/'));
  const std::size_t last = mark.rfind('/');
  const std::string server = last == std::string::npos ? "" : mark.substr(last + 1);
  if (server.empty()) return ", begun by a test of run " + Printable(run);
  return ", server " + Quoted(server) + " of run " + Printable(run) +
         (RunIsOver(proc, run) ? ", which is over: yesterday's orphan" : "");
}

std::optional<pid_t> FindHolder(const procfs::Proc& proc, std::uint64_t inode) {
  for (const pid_t pid : proc.Pids()) {
    const auto sockets = proc.SocketInodes(pid);
    if (sockets && std::find(sockets->begin(), sockets->end(), inode) != sockets->end()) return pid;
  }
  return std::nullopt;
}

// How much a socket in this state is to blame: a listener before one that is bound, before connections.
int Rank(const ListeningSocket& socket) {
  if (socket.state == TCP_LISTEN) return 0;
  return socket.inode != 0 ? 1 : 2;
}

std::string DescribeUse(int state) {
  if (state == TCP_LISTEN) return " is listened on by ";
  return state == SockDiag::kBoundInactive || state == TCP_CLOSE ? " is bound (without listening) by "
                                                                 : " is in use by a connection of ";
}

}  // namespace

std::string DescribeHolder(const procfs::Proc& proc, pid_t pid) {
  std::string text = "pid " + std::to_string(pid);
  if (const std::optional<ProcessInfo> info = proc.Describe(pid)) {
    text += " (" + (info->command.empty() ? Printable(info->name) : info->CommandLine()) + ")";
  }
  if (pid == ::getpid()) return text + ", this test program itself";
  if (const std::optional<std::string> mark = proc.FindInEnviron(pid, kMark)) text += DescribeMark(proc, *mark);
  return text;
}

std::string DescribePortHolder(const procfs::Proc& proc, std::uint16_t port) {
  process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) return "";
  std::vector<ListeningSocket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    auto found = diag->Users(family, port);
    if (found.ok()) sockets.insert(sockets.end(), found->begin(), found->end());
  }
  if (sockets.empty()) return "";
  const ListeningSocket& worst = *std::ranges::min_element(sockets, {}, Rank);
  if (worst.inode == 0) return worst.ToString() + " is still in use by connections that have ended (TIME_WAIT)";
  const std::optional<pid_t> holder = FindHolder(proc, worst.inode);
  return worst.ToString() + DescribeUse(worst.state) +
         (holder ? DescribeHolder(proc, *holder)
                 : "a process of uid " + std::to_string(worst.uid) + " whose descriptors cannot be read");
}

}  // namespace curfew::readiness
