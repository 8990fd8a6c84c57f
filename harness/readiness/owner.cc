// SPDX-License-Identifier: Apache-2.0
#include "readiness/owner.h"

#include <algorithm>

#include "procfs/text.h"
#include "readiness/holder.h"

namespace curfew::readiness {
namespace {

// A socket may be out of sight for a moment: passed on by SCM_RIGHTS, or held by a process that was forked
// while the others were read. Only one that stays out of sight is a stranger's.
constexpr int kLooksUntilAVerdict = 5;

// Where a server that has just begun mostly has its socket.
constexpr int kFirstGuess = 3;
constexpr int kLastGuess = 10;

bool Contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// The inode of the socket that is open as this number, if one is.
std::optional<std::uint64_t> SocketAt(const procfs::Proc& proc, pid_t pid, int descriptor) {
  const auto link = proc.ReadLink(pid, "fd/" + std::to_string(descriptor));
  return link ? procfs::SocketInode(*link) : std::nullopt;
}

}  // namespace

Ownership OwnerCheck::Of(std::uint64_t inode, uid_t socket_uid) {
  const Ownership ours{Ownership::Verdict::kOurs, {}};
  if (proven_.contains(inode)) return ours;

  const pid_t leader = tree_.Leader();
  bool readable = true;
  const auto holds = [&](Holds answer) {
    if (answer == Holds::kUnreadable) readable = false;
    if (answer == Holds::kYes) proven_.insert(inode);
    return answer == Holds::kYes;
  };
  if (holds(LookAtLeader(leader, inode))) return ours;
  std::vector<pid_t> members = tree_.Pids();
  for (const pid_t pid : members) {
    if (pid != leader && holds(Look(pid, inode))) return ours;
  }

  if (tree_.LeaderLives()) members.push_back(leader);
  if (std::optional<Ownership> stranger = FindStranger(members, inode)) return *stranger;
  if (!readable) {
    return {Ownership::Verdict::kNotProvable, "a process of the server does not show its descriptors"};
  }
  return Unheld(inode, socket_uid);
}

OwnerCheck::Holds OwnerCheck::LookAtLeader(pid_t leader, std::uint64_t inode) {
  const Holds answer = FindQuickly(leader, inode) ? Holds::kYes : Look(leader, inode);
  // The number may have been given to a stranger, who may have taken the port, too.
  return answer == Holds::kNo || tree_.LeaderLives() ? answer : Holds::kNo;
}

bool OwnerCheck::FindQuickly(pid_t pid, std::uint64_t inode) const {
  for (int descriptor = kFirstGuess; descriptor < kLastGuess; ++descriptor) {
    if (SocketAt(proc_, pid, descriptor) == inode) return true;
  }
  return false;
}

OwnerCheck::Holds OwnerCheck::Look(pid_t pid, std::uint64_t inode) const {
  const std::optional<std::vector<std::uint64_t>> sockets = proc_.SocketInodes(pid);
  if (sockets) {
    return std::find(sockets->begin(), sockets->end(), inode) != sockets->end() ? Holds::kYes : Holds::kNo;
  }
  // What has ended holds nothing; only of what lives it is not known.
  const std::optional<procfs::Stat> stat = proc_.ReadStat(pid);
  return stat && !stat->exiting() ? Holds::kUnreadable : Holds::kNo;
}

std::optional<Ownership> OwnerCheck::FindStranger(const std::vector<pid_t>& members,
                                                  std::uint64_t inode) const {
  for (const pid_t pid : proc_.Pids()) {
    if (Contains(members, pid)) continue;
    const std::optional<std::vector<std::uint64_t>> sockets = proc_.SocketInodes(pid);
    if (!sockets || std::find(sockets->begin(), sockets->end(), inode) == sockets->end()) continue;
    // It may have been forked by the server since the tree was read.
    if (InTree(pid))
      return Ownership{Ownership::Verdict::kUnclear, "a process of the server is being forked"};
    std::string holder = Describe(pid);
    // What was described may be a successor of that number, unless it holds the socket still.
    if (Look(pid, inode) != Holds::kYes)
      return Ownership{Ownership::Verdict::kUnclear, "its holder has ended"};
    return Ownership{Ownership::Verdict::kStrangers, std::move(holder)};
  }
  return std::nullopt;
}

Ownership OwnerCheck::Unheld(std::uint64_t inode, uid_t socket_uid) {
  unheld_looks_ = inode == unheld_inode_ ? unheld_looks_ + 1 : 1;
  unheld_inode_ = inode;
  std::string holder = "no process of the server, but one whose descriptors cannot be read (socket of uid " +
                       std::to_string(socket_uid) + ")";
  const bool stays = unheld_looks_ >= kLooksUntilAVerdict;
  return {stays ? Ownership::Verdict::kStrangers : Ownership::Verdict::kUnclear, std::move(holder)};
}

bool OwnerCheck::InTree(pid_t pid) const {
  return (pid == tree_.Leader() && tree_.LeaderLives()) || Contains(tree_.Pids(), pid);
}

std::string OwnerCheck::Describe(pid_t pid) const {
  return DescribeHolder(proc_, pid);
}

}  // namespace curfew::readiness
