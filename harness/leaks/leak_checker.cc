// SPDX-License-Identifier: Apache-2.0
#include "leaks/leak_checker.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "containment/escape.h"
#include "containment/tree_finder.h"
#include "leaks/evidence.h"
#include "process/clock.h"
#include "process/mark.h"
#include "process/names.h"
#include "process/pidfd.h"
#include "process/switches.h"
#include "procfs/net.h"

namespace curfew::leaks {
namespace {

using namespace std::chrono_literals;
using process::Tag;

constexpr auto kSettle = 100ms;
constexpr auto kReapTimeout = 2s;
constexpr int kMaxDepth = 4096;

}  // namespace

LeakChecker::LeakChecker(const procfs::Proc& proc, std::string run, std::optional<Tag> tag, pid_t self)
    : proc_(proc), run_(std::move(run)), tag_(tag), self_(self) {}

LeakChecker::Baseline LeakChecker::TakeBaseline(const std::vector<LiveServer>& servers, const Baseline& earlier) const {
  Baseline baseline;
  for (const pid_t pid : proc_.Pids()) {
    baseline.present.insert(pid);
    if (pid == self_ || (!earlier.known.contains(pid) && !FindOwner(pid, earlier, servers).ours)) continue;
    if (const auto stat = proc_.ReadStat(pid)) baseline.known[pid] = stat->start_ticks;
  }
  return baseline;
}

std::vector<Leak> LeakChecker::Find(const Baseline& since, const std::vector<LiveServer>& servers) const {
  auto leaks = Look(since, servers);
  const auto until = std::chrono::steady_clock::now() + kSettle;
  for (auto pause = 1ms; !leaks.empty() && std::chrono::steady_clock::now() < until; pause *= 2) {
    ::poll(nullptr, 0, static_cast<int>(pause.count()));
    leaks = Look(since, servers);
  }
  if (leaks.empty()) return leaks;
  std::vector<ProcessInfo> processes;
  for (auto& leak : leaks) processes.push_back(std::move(leak.process));
  procfs::FillPorts(proc_, processes);
  const auto belongings = StandardStreams(proc_, self_, "the test program");
  for (std::size_t i = 0; i < leaks.size(); ++i) {
    leaks[i].process = std::move(processes[i]);
    AddDetails(proc_, belongings, leaks[i]);
  }
  return leaks;
}

std::vector<Leak> LeakChecker::Look(const Baseline& since, const std::vector<LiveServer>& servers) const {
  std::vector<Leak> leaks;
  for (const pid_t pid : proc_.Pids()) {
    if (pid == self_) continue;
    const auto owner = FindOwner(pid, since, servers);
    if (!owner.ours || owner.known) continue;
    if (auto leak = Judge(pid, owner)) leaks.push_back(std::move(*leak));
  }
  return leaks;
}

LeakChecker::Ownership LeakChecker::FindOwner(pid_t pid, const Baseline& since,
                                              const std::vector<LiveServer>& servers) const {
  Ownership owner;
  // Read once: for nearly every process of the machine it is all that is read.
  const auto tag = tag_ ? process::ReadTag(proc_, pid) : std::nullopt;
  if (tag && tag == tag_->WithSlot(Tag::kCurfew)) return owner;
  AskTag(tag, servers, owner);
  if (!owner.ours && since.present.contains(pid)) return owner;
  AskMark(pid, servers, owner);
  AskLineage(pid, since, servers, owner);
  return owner;
}

void LeakChecker::AskTag(const std::optional<Tag>& tag, const std::vector<LiveServer>& servers,
                         Ownership& owner) const {
  if (!tag || !tag->SameRun(*tag_)) return;
  owner.ours = true;
  owner.evidence.emplace_back("tag");
  for (const auto& server : servers) {
    if (server.tag == tag) owner.server = &server;
  }
}

void LeakChecker::AskMark(pid_t pid, const std::vector<LiveServer>& servers, Ownership& owner) const {
  if (process::SwitchedOff("mark")) return;
  const auto mark = process::Mark::Read(proc_, pid);
  if (!mark || mark->run != run_) return;
  owner.ours = true;
  owner.evidence.emplace_back("mark");
  if (owner.server != nullptr || mark->server.empty()) return;
  const auto same_name = std::ranges::find(servers, mark->server, &LiveServer::name);
  // With tags, a tag that is no live server's says that its server has ended, whatever the name is.
  if (same_name != servers.end() && !tag_) {
    owner.server = &*same_name;
  } else {
    owner.ended_server = mark->server;
  }
}

void LeakChecker::AskLineage(pid_t pid, const Baseline& since, const std::vector<LiveServer>& servers,
                             Ownership& owner) const {
  for (int depth = 0; depth < kMaxDepth && pid > 1; ++depth) {
    const auto stat = proc_.ReadStat(pid);
    if (!stat) return;
    const auto known = since.known.find(pid);
    if (known != since.known.end() && known->second == stat->start_ticks) owner.known = true;
    if (stat->ppid == self_) {
      owner.ours = true;
      owner.evidence.emplace_back("lineage");
      return;
    }
    for (const auto& server : servers) {
      if (stat->ppid != server.warden) continue;
      owner.ours = true;
      owner.server = &server;
      owner.evidence.emplace_back("lineage");
      return;
    }
    pid = stat->ppid;
  }
}

std::optional<Leak> LeakChecker::Judge(pid_t pid, const Ownership& owner) const {
  auto info = proc_.Describe(pid);
  if (!info) return std::nullopt;
  const bool child_of_test = info->parent == self_;
  // A dead orphan waits for init and is nobody's fault; a dead child waits for the test program.
  if (info->zombie() && !child_of_test) return std::nullopt;
  Leak leak;
  const auto self = proc_.ReadStat(self_);
  if (owner.server != nullptr) {
    const auto& server = *owner.server;
    const bool orphan = server.Adopts(info->parent) && info->pid != server.leader && info->pid != server.init;
    if (!orphan || server.daemonizes || info->pid == server.warden) return std::nullopt;
    if (containment::IsNestedKeeper(proc_, pid, tag_)) return std::nullopt;
    leak.server = server.name;
    leak.escapes = containment::DescribeEscape(*info, true, server.leader, server.leader);
  } else {
    leak.server = owner.ended_server;
    const auto parent_tag = tag_ ? process::ReadTag(proc_, info->parent) : std::nullopt;
    const bool parent_gone = !child_of_test && (!parent_tag || !parent_tag->SameRun(*tag_));
    leak.escapes = containment::DescribeEscape(*info, parent_gone, self ? self->pgrp : 0, self ? self->session : 0);
    const bool never_ours = parent_gone && tag_ && !process::ReadTag(proc_, pid) && info->parent > 1;
    if (never_ours) leak.escapes.front() = HandedTo(info->parent);
  }
  leak.evidence = owner.evidence;
  leak.process = std::move(*info);
  return leak;
}

// Descendants inherit the tag: who has our mark alone was begun by somebody we asked, at(1) for one.
std::string LeakChecker::HandedTo(pid_t parent) const {
  const auto stat = proc_.ReadStat(parent);
  return "handed to process " + std::to_string(parent) + (stat ? " (" + stat->comm + ")" : "") + ", which is not ours";
}

void LeakChecker::Reap(std::vector<Leak>& leaks, const std::vector<LiveServer>& servers) const {
  for (auto& leak : leaks) {
    if (!leak.exempted.empty()) continue;
    const auto inside = [&leak](const LiveServer& server) { return server.Adopts(leak.process.parent); };
    if (std::ranges::any_of(servers, inside)) {
      leak.why_alive = "inside the tree of a server that is still up; it ends with it";
    } else {
      ReapOne(leak, servers);
    }
  }
}

bool LeakChecker::InLineage(pid_t pid, const std::vector<LiveServer>& servers) const {
  return containment::TreeFinder(proc_, self_, std::nullopt).Contains(pid) ||
         std::ranges::any_of(servers, [&](const LiveServer& server) {
           return containment::TreeFinder(proc_, server.warden, std::nullopt).Contains(pid);
         });
}

void LeakChecker::ReapOne(Leak& leak, const std::vector<LiveServer>& servers) const {
  auto pidfd = process::Pidfd::Open(leak.process.pid);
  const auto stat = proc_.ReadStat(leak.process.pid);
  if (!pidfd.ok() && pidfd.failure().error != ESRCH) {
    leak.why_alive = "failed to " + pidfd.failure().ToString();  // EMFILE says nothing of the process
    return;
  }
  // Asked anew now that it is pinned: the number and even the start time could be a successor's.
  if (!pidfd.ok() || !stat || stat->start_ticks != leak.process.start_ticks ||
      !FindOwner(leak.process.pid, {}, servers).ours) {
    leak.reaped = true;  // ended meanwhile
    return;
  }
  // Parent links alone are read once more, so that no reused number stands between us and a stranger.
  if (leak.evidence == std::vector<std::string>{"lineage"} && !InLineage(leak.process.pid, servers)) {
    leak.reaped = true;
    return;
  }
  const int error = leak.process.zombie() ? 0 : pidfd->Signal(SIGKILL);
  if (error != 0 && error != ESRCH) {
    leak.why_alive = process::ErrnoName(error) + ": runs as uid " + std::to_string(leak.process.uid);
    return;
  }
  pollfd ended{pidfd->get(), POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + kReapTimeout;
  while (::poll(&ended, 1, process::PollTimeout(std::chrono::steady_clock::now(), until)) < 0 && errno == EINTR) {
  }
  leak.reaped = pidfd->Ended();
  if (!leak.reaped) leak.why_alive = "killed, and not gone yet: state " + std::string(1, stat->state);
  // Only what this very test began and left, and was told of: other children's statuses are the user's.
  siginfo_t info{};
  if (stat->ppid == self_) ::waitid(P_PIDFD, static_cast<id_t>(pidfd->get()), &info, WEXITED | WNOHANG | __WALL);
}

}  // namespace curfew::leaks
