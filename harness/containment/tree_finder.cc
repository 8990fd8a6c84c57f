// SPDX-License-Identifier: Apache-2.0
#include "containment/tree_finder.h"

#include <unistd.h>

#include <algorithm>
#include <unordered_map>

namespace curfew::containment {

using process::ReadTag;
using procfs::Stat;

namespace {

// More parents than any real chain has: parent links read one by one while processes come and go could
// otherwise form a circle.
constexpr int kMaxDepth = 4096;

}  // namespace

TreeFinder::TreeFinder(const procfs::Proc& proc, pid_t root, std::optional<process::Tag> tag,
                       std::set<pid_t> excluded)
    : proc_(proc), root_(root), tag_(tag), excluded_(std::move(excluded)) {}

bool TreeFinder::NoMember(pid_t pid) const {
  return pid == root_ || pid == init_ || pid == ::getpid() || excluded_.contains(pid);
}

std::unordered_set<pid_t> TreeFinder::LeafMembers() const {
  if (leaf_ == nullptr) return {};
  const auto members = leaf_->Members();
  return {members.begin(), members.end()};
}

std::vector<pid_t> TreeFinder::Tagged() const {
  std::vector<pid_t> found;
  if (!tag_) return found;
  const auto in_leaf = LeafMembers();
  for (const pid_t pid : proc_.Pids()) {
    if (NoMember(pid)) continue;
    if (in_leaf.contains(pid) || ReadTag(proc_, pid) == tag_) found.push_back(pid);
  }
  return found;
}

std::vector<Stat> TreeFinder::Find() const {
  if (!tag_) return FindThoroughly();
  std::vector<Stat> found;
  const auto in_leaf = LeafMembers();
  for (const pid_t pid : proc_.Pids()) {
    if (NoMember(pid)) continue;
    if (!in_leaf.contains(pid)) {
      const auto tag = ReadTag(proc_, pid);
      if (!tag || (*tag != *tag_ && !DescendsFromRoot(pid))) continue;
    }
    if (auto stat = proc_.ReadStat(pid)) found.push_back(std::move(*stat));
  }
  if (leaf_ == nullptr) AddUntagged(found);
  return found;
}

void TreeFinder::AddUntagged(std::vector<Stat>& found) const {
  struct Parent {
    pid_t pid;
    std::optional<std::uint64_t> start_ticks;  // none: the root and the init, which are who they are
  };
  std::vector<Parent> open;
  std::unordered_set<pid_t> known;
  for (const pid_t pid : {root_, init_}) {
    if (pid != 0) open.push_back({pid, std::nullopt});
  }
  for (const auto& member : found) {
    if (known.insert(member.pid).second) open.push_back({member.pid, member.start_ticks});
  }
  while (!open.empty()) {
    const Parent parent = open.back();
    open.pop_back();
    const auto children = proc_.Children(parent.pid);
    if (children.empty()) continue;
    // Else the number is another's by now, and so may be the list.
    const auto now = proc_.ReadStat(parent.pid);
    if (!now || (parent.start_ticks && now->start_ticks != *parent.start_ticks)) continue;
    for (const pid_t child : children) {
      if (NoMember(child) || !known.insert(child).second) continue;
      auto stat = proc_.ReadStat(child);
      if (!stat || (stat->ppid != parent.pid && !Adopts(stat->ppid))) continue;
      open.push_back({child, stat->start_ticks});
      found.push_back(std::move(*stat));
    }
  }
}

std::vector<Stat> TreeFinder::FindThoroughly() const {
  std::unordered_map<pid_t, Stat> all;
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  for (const pid_t pid : proc_.Pids()) {
    if (auto stat = proc_.ReadStat(pid)) {
      children[stat->ppid].push_back(pid);
      all.emplace(pid, std::move(*stat));
    }
  }
  std::unordered_set<pid_t> members;
  std::vector<pid_t> open;
  if (root_ != 0) open.push_back(root_);
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    for (const pid_t child : children[parent]) {
      if (!excluded_.contains(child) && members.insert(child).second) open.push_back(child);
    }
  }
  std::vector<Stat> found;
  members.merge(LeafMembers());
  for (auto& [pid, stat] : all) {
    if (NoMember(pid)) continue;
    if (members.contains(pid) || (tag_ && ReadTag(proc_, pid) == tag_)) found.push_back(std::move(stat));
  }
  return found;
}

bool TreeFinder::Contains(pid_t pid) const {
  if (NoMember(pid)) return false;
  if (tag_ && ReadTag(proc_, pid) == tag_) return true;
  return InLeaf(pid) || DescendsFromRoot(pid);
}

bool TreeFinder::DescendsFromRoot(pid_t pid) const {
  if (root_ == 0) return false;
  std::vector<Link> chain;
  for (int depth = 0; depth < kMaxDepth && pid > 1; ++depth) {
    const auto stat = proc_.ReadStat(pid);
    if (!stat) return false;
    chain.push_back({pid, stat->ppid});
    if (stat->ppid == root_) return StillHolds(chain);
    if (excluded_.contains(stat->ppid)) return false;
    pid = stat->ppid;
  }
  return false;
}

bool TreeFinder::StillHolds(const std::vector<Link>& chain) const {
  return std::all_of(chain.rbegin(), chain.rend(), [this](const Link& link) {
    const auto stat = proc_.ReadStat(link.pid);
    return stat && stat->ppid == link.parent;
  });
}

}  // namespace curfew::containment
