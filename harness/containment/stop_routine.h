// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <curfew/stop.h>

#include "containment/enclosure.h"
#include "containment/reaper.h"
#include "containment/tree_finder.h"
#include "process/pidfd.h"

namespace curfew::containment {

// The whole stop of one tree, the only one there is: teardown, failed start, time-out, loss of the test program
// or of the keeper all come here.
//
// It does not wait by itself, so that the warden goes on hearing its keeper meanwhile:
//
//   StopRoutine stop(finder, leader, reaper, policy);
//   while (auto deadline = stop.NextStep())  // sends the next signal of the policy
//     ... until reaper.nothing_left() or *deadline ...
//   StopResult result = stop.Finish();       // kills what is left, collects, reports
class StopRoutine {
 public:
  // Takes the snapshot of the tree by which the result says who needed what; nothing is signalled yet.
  // `daemonizes`: orphans are what this server is expected to leave, and no leak. `enclosures`: what stands around
  // the tree; they outlive the routine.
  StopRoutine(const TreeFinder& finder, const process::Pidfd& leader, Reaper& reaper, StopPolicy policy,
              bool daemonizes, std::vector<const Enclosure*> enclosures = {});

  // Sends the next signal of the policy, with SIGCONT behind it so that stopped processes hear it, and returns
  // how long the tree may take. Nothing when the steps are used up or nothing is left.
  [[nodiscard]] std::optional<Deadline> NextStep();
  // Blocks only while the kernel ends what was killed, at most some seconds.
  [[nodiscard]] StopResult Finish();

 private:
  void TakeSnapshot(bool daemonizes);
  [[nodiscard]] bool AnythingLeft();
  [[nodiscard]] bool IsOrphan(const ProcessInfo& process) const;
  // Marks who of the snapshot is alive now as in need of this signal.
  void MarkLiving(const std::vector<procfs::Stat>& living, int signal);
  // Adds those that began after the snapshot and have to be killed now.
  void AddLatecomers(const std::vector<procfs::Stat>& living);

  const TreeFinder& finder_;
  const process::Pidfd& leader_;
  Reaper& reaper_;
  StopPolicy policy_;
  std::vector<const Enclosure*> enclosures_;
  std::size_t next_ = 0;
  std::optional<std::vector<procfs::Stat>> snapshot_;  // until the first step has used it
  Deadline began_;
  StopResult result_;
};

}  // namespace curfew::containment
