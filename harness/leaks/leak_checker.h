// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <curfew/leak.h>

#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::leaks {

// A server that is meant to live on.
struct LiveServer {
  std::string name;
  std::optional<process::Tag> tag;
  pid_t warden = 0;
  pid_t leader = 0;
  bool daemonizes = false;
  pid_t init = 0;  // of a sealed tree

  // Whether it is the parent of whoever loses its own in there.
  [[nodiscard]] bool Adopts(pid_t parent) const { return parent == warden || (init != 0 && parent == init); }
};

// Finds what of one run is alive though its owner has ended, and reaps it. Seen from inside the test program.
//
// The listing of /proc and the tag of each process are read every time (about 2 us a process); environ and
// stat only of processes that were not there at the baseline, so a clean test costs a fraction of a millisecond.
class LeakChecker {
 public:
  // `run` is the run's id as it stands in the mark, `tag` the test program's own, `self` its pid.
  LeakChecker(const procfs::Proc& proc, std::string run, std::optional<process::Tag> tag, pid_t self);

  // Whatever was alive at one moment: neither it nor its children are leaks of what began then.
  struct Baseline {
    std::set<pid_t> present;                // every process of the machine
    std::map<pid_t, std::uint64_t> known;   // those of the run, with their start times
  };
  // `earlier`: a baseline already taken, which saves reading again what it knows.
  [[nodiscard]] Baseline TakeBaseline(const std::vector<LiveServer>& servers, const Baseline& earlier) const;

  // What is alive, new since the baseline, and belongs to no server that is up. If there is any, looks again with
  // growing pauses, at most 100 ms in all, so that what is about to end is not blamed.
  [[nodiscard]] std::vector<Leak> Find(const Baseline& since, const std::vector<LiveServer>& servers) const;

  // Kills each of them (not the exempted ones) by identity and collects those that are children of this process. Sets
  // `reaped` or `why_alive`. Leaves alone what lives inside the tree of a server that is up: it ends with its server.
  void Reap(std::vector<Leak>& leaks, const std::vector<LiveServer>& servers) const;

 private:
  // Who a process belongs to: a server that is up, one that is not, or a body of the test program.
  struct Ownership {
    bool ours = false;
    bool known = false;  // descends from something of the baseline
    const LiveServer* server = nullptr;
    std::string ended_server;
    std::vector<std::string> evidence;
  };

  [[nodiscard]] std::vector<Leak> Look(const Baseline& since, const std::vector<LiveServer>& servers) const;
  [[nodiscard]] Ownership FindOwner(pid_t pid, const Baseline& since, const std::vector<LiveServer>& servers) const;
  void AskTag(const std::optional<process::Tag>& tag, const std::vector<LiveServer>& servers, Ownership& owner) const;
  void AskMark(pid_t pid, const std::vector<LiveServer>& servers, Ownership& owner) const;
  void AskLineage(pid_t pid, const Baseline& since, const std::vector<LiveServer>& servers, Ownership& owner) const;
  [[nodiscard]] std::optional<Leak> Judge(pid_t pid, const Ownership& owner) const;
  [[nodiscard]] std::string HandedTo(pid_t parent) const;
  [[nodiscard]] bool InLineage(pid_t pid, const std::vector<LiveServer>& servers) const;
  void ReapOne(Leak& leak, const std::vector<LiveServer>& servers) const;

  const procfs::Proc& proc_;
  std::string run_;
  std::optional<process::Tag> tag_;
  pid_t self_;
};

}  // namespace curfew::leaks
