// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <curfew/leak.h>

#include "process/mark.h"
#include "process/tag.h"
#include "procfs/proc.h"

namespace curfew::leaks {

// One run as far as this machine's processes show it.
struct MachineRun {
  enum class Owner {
    kAlive,    // its program, its keeper, or what stands over its command
    kDead,     // what is here has outlived it
    kUnknown,  // cannot be told: another namespace, another user's
  };

  std::string id;
  Owner owner = Owner::kUnknown;
  pid_t owner_pid = 0;          // of the living program or command, if that is what was found
  std::vector<Leak> processes;  // everything of the run, oldest first; described if asked for
};

// Looks at every process for the tags and marks of runs, whoever began them and when.
class Machine {
 public:
  // kTags: a listing and a prlimit for each process, about 2 us. kTagsAndMarks: reads the environment of all others,
  // about 11 us each: finds what had lost its tag, and runs that had none.
  enum class Witness { kTags, kTagsAndMarks };

  Machine(const procfs::Proc& proc, Witness witness) : proc_(proc), witness_(witness) {}

  // Every run with a process on this machine, ordered by id; processes with pid alone.
  [[nodiscard]] std::vector<MachineRun> Runs() const;
  // Runs that have lost their owner; looked at twice, a moment apart, since a run that is just ending looks the same.
  [[nodiscard]] std::vector<MachineRun> DeadRuns() const;
  // Fills in what reports show of the processes of a run.
  void Describe(MachineRun& run) const;
  // Kills all of a dead run but what is exempted, by identity: each is pinned, then asked again whether it is of the
  // run, and the run still without owner. Sets `reaped` or `why_alive` of its processes. Blocks until they are gone,
  // some seconds at most.
  void Kill(MachineRun& run) const;

 private:
  struct Member {
    pid_t pid = 0;
    std::optional<process::Tag> tag;
  };
  using Members = std::map<std::string, std::vector<Member>>;

  [[nodiscard]] Members Collect() const;
  [[nodiscard]] std::optional<std::string> RunOf(pid_t pid, std::optional<process::Tag>& tag) const;
  [[nodiscard]] bool Spared(const MachineRun& run, pid_t pid) const;
  void FindOwner(const std::vector<Member>& members, MachineRun& run) const;
  enum class Word { kNothing, kOwnerLives, kOwnerIsDead, kLeftBehind, kMayBeTheOwner };
  [[nodiscard]] Word AskForOwner(const Member& member, const std::string& id) const;

  const procfs::Proc& proc_;
  Witness witness_;
};

}  // namespace curfew::leaks
