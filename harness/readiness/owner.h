// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "procfs/proc.h"
#include "readiness/listeners.h"

namespace curfew::readiness {

// The server's processes, as whoever contains them sees them; unit tests put a tree of their own in.
class TreeView {
 public:
  virtual ~TreeView() = default;
  // The process that was launched. Asked first, since nearly always it holds the socket.
  [[nodiscard]] virtual pid_t Leader() const = 0;
  // Whether that process is still the one that has this number: once it has been collected the kernel gives the number
  // to others. Asked after something was read of the number, so that what was read was the leader's.
  [[nodiscard]] virtual bool LeaderLives() const { return true; }
  // Every living process of the tree now, in any order. Only asked when the leader does not hold the socket.
  [[nodiscard]] virtual std::vector<pid_t> Pids() const = 0;
};

// Whose a listening socket is.
struct Ownership {
  enum class Verdict {
    kOurs,
    kNotProvable,  // nobody readable holds it, and some process of the tree could not be read: taken for ours
    kStrangers,
    kUnclear,  // no holder to be seen now: it has just ended or is just being forked. Look again
  };
  Verdict verdict = Verdict::kUnclear;
  // The process that holds it, for kStrangers: `pid 4711 (redis-server *:6379), server "redis" of run 12ab`;
  // for the others what there is to say about it.
  std::string holder;
};

// Finds whose descriptor a socket is. The socket itself is looked for, so a connection that was accepted from
// it does not count.
//
// Once proven, a socket is remembered: asking again costs a look into a set.
// Threads: one at a time. Blocks: for milliseconds when every process of the machine has to be read, which is
// only done when nobody of the tree holds the socket.
class OwnerCheck {
 public:
  // Both must outlive it.
  OwnerCheck(const TreeView& tree, const procfs::Proc& proc) : tree_(tree), proc_(proc) {}

  [[nodiscard]] Ownership Of(std::uint64_t inode, uid_t socket_uid);
  // Whether the number belongs to the tree now.
  [[nodiscard]] bool InTree(pid_t pid) const;
  // "pid 4711 (redis-server *:6379)", and from its mark the server and run it belongs to, if it has one.
  [[nodiscard]] std::string Describe(pid_t pid) const;

 private:
  enum class Holds { kYes, kNo, kUnreadable };
  [[nodiscard]] Holds Look(pid_t pid, std::uint64_t inode) const;
  // As Look at the leader, if that is still the process which has this number.
  [[nodiscard]] Holds LookAtLeader(pid_t leader, std::uint64_t inode);
  // Looks at some low descriptors by their numbers: a third of what it takes to list all, since the kernel makes an
  // inode of each that is listed. True: it holds the socket.
  [[nodiscard]] bool FindQuickly(pid_t pid, std::uint64_t inode) const;
  // Nothing if no process that can be read holds the socket.
  [[nodiscard]] std::optional<Ownership> FindStranger(const std::vector<pid_t>& members,
                                                      std::uint64_t inode) const;
  [[nodiscard]] Ownership Unheld(std::uint64_t inode, uid_t socket_uid);

  const TreeView& tree_;
  const procfs::Proc& proc_;
  std::set<std::uint64_t> proven_;
  // How often in a row a socket was seen that nobody readable holds.
  std::uint64_t unheld_inode_ = 0;
  int unheld_looks_ = 0;
};

}  // namespace curfew::readiness
