// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <curfew/duration.h>
#include <curfew/stop.h>

#include "containment/enclosure.h"
#include "containment/tree_finder.h"
#include "process/pidfd.h"

namespace curfew::containment {

// Kills a tree until nothing of it is left.
//
// What stands around the tree is killed first, again and again until it is empty: exact, and at once. Then, for what
// got out, the calm way: every group and every member once, then collect. Whatever is not gone after a moment is
// swept: the listing of /proc is read again and again and every member not yet killed is killed, *without
// collecting and without sleeping*, until two passes in a row find nobody new alive; then all are collected; and so
// on. Not collecting is the brake: a zombie keeps its slot, so a fork bomb under any limit runs out of room,
// and its number, so it cannot come back as a stranger. Killing children one by one, or one snapshot from the
// root down, never ended against a bomb that calls setsid.
//
// A chain, whose links begin the next one and end at once, is the other way round: nothing brakes it, and the dead that
// it leaves make the listing slower than it is. It is chased first. A link whose parent has ended is a child of the
// caller, and of those the kernel has a list of its own (proc_pid_task(5), children): read when all the dead have just
// been collected, it names the living link alone. Where the links are somebody else's to collect, the newest processes
// of the machine are asked again and again whether they are links. A sweep by itself lost this race for good where the
// machine was busy and the caller had no precedence.
class KillSweep {
 public:
  // `collect` collects every ended child of the caller that belongs to the tree and returns whether anything
  // of the tree is left. `leader` may be null.
  KillSweep(const TreeFinder& finder, const process::Pidfd* leader, std::function<bool()> collect,
            std::vector<const Enclosure*> enclosures = {});

  // Blocks until nothing is left, nothing left can be killed, or the deadline. Returns who survived, and why.
  [[nodiscard]] std::vector<Survivor> Run(Deadline deadline);

 private:
  // What a pass looks at: by tag where there is one, since that is ten times as fast.
  [[nodiscard]] std::vector<pid_t> Members() const;
  // Collects and kills the caller's own children in turns, while they are as few as those of a chain, or kills what is
  // of the tree among the newest processes, where the tree's parent is not the caller. Whether anything is left.
  [[nodiscard]] bool Chase(Deadline until);
  // It and its group, by identity; whether it was alive. Nothing if it is no member, or none any more.
  [[nodiscard]] std::optional<bool> Kill(pid_t pid) const;
  // One pass over the tree; how many it killed that it had not met before in this sweep.
  std::size_t Pass(std::vector<pid_t>& seen);
  void Sweep(Deadline deadline);
  [[nodiscard]] bool Populated() const;
  // Whether anything is left once the enclosures are empty, or the deadline has passed.
  [[nodiscard]] bool KillEnclosed(Deadline deadline);
  // Collects for so long at most; whether anything is left.
  [[nodiscard]] bool CollectFor(Duration time);
  [[nodiscard]] std::vector<Survivor> Survivors() const;

  const TreeFinder& finder_;
  const process::Pidfd* leader_;
  std::function<bool()> collect_;
  std::vector<const Enclosure*> enclosures_;
};

}  // namespace curfew::containment
