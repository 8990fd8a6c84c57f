// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "containment/cgroup_leaf.h"
#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::containment {

// Finds the processes of one tree: whoever descends from `root`, carries `tag` or lives in the tree's cgroup leaf,
// root itself excluded.
//
// Independent witnesses, because each has a blind spot. The tag is read in a microsecond and follows a
// process wherever it moves, but a privileged process could change it and a nested run lowers it. Parent
// links cannot be forged, since the root is a subreaper, but reading them takes a stat of every process. The leaf
// tells its members at once, but a privileged process can leave it.
class TreeFinder {
 public:
  // root 0: by tag only. Subtrees below `excluded` are not searched (the wardens below a keeper).
  TreeFinder(const procfs::Proc& proc, pid_t root, std::optional<process::Tag> tag,
             std::set<pid_t> excluded = {});
  // The init of a sealed tree: no member itself, and what is below it is. It adopts as the root does.
  void AddInit(pid_t init) { init_ = init; }
  [[nodiscard]] bool Adopts(pid_t pid) const { return pid != 0 && (pid == root_ || pid == init_); }
  // From now on the members of this leaf count, too. It has to outlive the finder.
  void AddLeaf(const CgroupLeaf& leaf) { leaf_ = &leaf; }

  // By leaf and tag, with tags of other runs followed up their parents to the root; without a leaf also the children of
  // all those, whatever has become of their tag. About 2 us a process of the machine, and 10 us a member. Falls back to
  // the full search where there is no tag. Misses untagged children of other threads than the main one.
  [[nodiscard]] std::vector<procfs::Stat> Find() const;
  // By leaf, by tag and by the parent links of every process. About 12 us a process of the machine.
  [[nodiscard]] std::vector<procfs::Stat> FindThoroughly() const;

  // Numbers in the leaf, and those that carry exactly this tag, zombies included: what a sweep reads again and again.
  [[nodiscard]] std::vector<pid_t> Tagged() const;
  // Whether the leaf says so, for reports.
  [[nodiscard]] bool InLeaf(pid_t pid) const { return leaf_ != nullptr && leaf_->Has(proc_, pid); }
  // Whether this number belongs to the tree now. To be asked again once the process is pinned.
  [[nodiscard]] bool Contains(pid_t pid) const;
  // Whether its parents lead to the root.
  [[nodiscard]] bool Descends(pid_t pid) const { return DescendsFromRoot(pid); }

  [[nodiscard]] const procfs::Proc& proc() const { return proc_; }
  [[nodiscard]] pid_t root() const { return root_; }
  [[nodiscard]] std::optional<process::Tag> tag() const { return tag_; }

 private:
  [[nodiscard]] bool NoMember(pid_t pid) const;
  [[nodiscard]] bool DescendsFromRoot(pid_t pid) const;
  // A parent may end, and its number become another's, before it is read in its turn. Read again from the top down:
  // whoever still has that parent had it all the while, so what was read of the number in between was the parent's.
  struct Link {
    pid_t pid;
    pid_t parent;
  };
  [[nodiscard]] bool StillHolds(const std::vector<Link>& chain) const;
  // Whoever has changed its own RLIMIT_LOCKS shows in no tag, but in its parent's list of children.
  void AddUntagged(std::vector<procfs::Stat>& found) const;
  // Members of the leaf, for one pass over the listing.
  [[nodiscard]] std::unordered_set<pid_t> LeafMembers() const;

  const procfs::Proc& proc_;
  pid_t root_;
  std::optional<process::Tag> tag_;
  std::set<pid_t> excluded_;
  const CgroupLeaf* leaf_ = nullptr;
  pid_t init_ = 0;
};

}  // namespace curfew::containment
