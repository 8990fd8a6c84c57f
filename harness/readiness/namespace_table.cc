// SPDX-License-Identifier: Apache-2.0
#include "readiness/namespace_table.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "procfs/net.h"
#include "readiness/sock_diag.h"

namespace curfew::readiness {
namespace {

using process::Result;
using Sockets = std::vector<ListeningSocket>;

constexpr Duration kPause = std::chrono::milliseconds(250);

// What is listened on in the network namespace of a process, on any address: it has no others to guard against.
Sockets ReadInside(const procfs::Proc& proc, pid_t pid, std::uint16_t port) {
  Sockets all;
  for (procfs::Listener& listener : procfs::ReadListeners(proc, pid)) {
    if (port != 0 && listener.port != port) continue;
    all.push_back(
        {.address = std::move(listener.address), .port = listener.port, .inode = listener.inode, .uid = listener.uid});
  }
  return all;
}

class InsideTable final : public ListenerTable {
 public:
  InsideTable(const procfs::Proc& proc, pid_t pid) : proc_(proc), pid_(pid) {}

  [[nodiscard]] std::string way() const override { return "reading"; }
  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override { return ReadInside(proc_, pid_, port); }
  [[nodiscard]] Result<Sockets> All() override { return ReadInside(proc_, pid_, 0); }

 private:
  const procfs::Proc& proc_;
  pid_t pid_;
};

class FollowingTable final : public ListenerTable {
 public:
  FollowingTable(const procfs::Proc& proc, ListenerTable& own, const TreeView& tree)
      : proc_(proc), own_(own), tree_(tree) {}

  [[nodiscard]] std::string way() const override { return own_.way(); }
  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override { return OrInside(own_.On(port), port); }
  [[nodiscard]] Result<Sockets> All() override { return OrInside(own_.All(), 0); }
  void ListenComes(std::uint16_t port) override { own_.ListenComes(port); }

 private:
  // What is listened on inside counts where nobody does here. Of every port (0) both do.
  [[nodiscard]] Result<Sockets> OrInside(Result<Sockets> here, std::uint16_t port) {
    if (!here.ok() || (port != 0 && !here.value().empty())) return here;
    const auto meant = [port](const ListeningSocket& socket) { return port == 0 || socket.port == port; };
    // A verdict takes several looks, which have to be at what is there now: only nobody may be an old answer.
    LookInside(std::ranges::any_of(inside_, meant));
    std::ranges::copy_if(inside_, std::back_inserter(*here), meant);
    return here;
  }

  void LookInside(bool at_once) {
    const auto now = process::Clock::Steady().Now();
    if (!at_once && now < next_look_) return;
    next_look_ = now + kPause;
    inside_.clear();
    const auto theirs = proc_.ReadLink(tree_.Leader(), "ns/net");
    if (!theirs || theirs == proc_.ReadLink(::getpid(), "ns/net")) return;
    auto inside = ReadInside(proc_, tree_.Leader(), 0);
    if (!tree_.LeaderLives()) return;  // the number may have been a stranger's when it was read
    inside_ = std::move(inside);
    for (ListeningSocket& socket : inside_) socket.where = " in a network namespace of its own";
  }

  const procfs::Proc& proc_;
  ListenerTable& own_;
  const TreeView& tree_;
  Deadline next_look_{};
  Sockets inside_;  // at the last look
};

}  // namespace

std::unique_ptr<ListenerTable> MakePrivateTable(const procfs::Proc& proc, pid_t pid, process::FileDescriptor diag) {
  if (diag.valid()) {
    Result<SockDiag> asking = SockDiag::Over(std::move(diag));
    if (asking.ok()) return MakeDiagTable(std::move(*asking));
  }
  return std::make_unique<InsideTable>(proc, pid);
}

std::unique_ptr<ListenerTable> MakeFollowingTable(const procfs::Proc& proc, ListenerTable& own,
                                                  const TreeView& tree) {
  return std::make_unique<FollowingTable>(proc, own, tree);
}

}  // namespace curfew::readiness
