// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>

#include <curfew/exit_status.h>

#include "process/seal.h"

namespace curfew::containment {

// Makes the calling process the one that every orphan below it is handed to (PR_SET_CHILD_SUBREAPER). From
// then on "no child left" is the exact test for "nothing of the tree is left". 0 or errno.
[[nodiscard]] int BecomeSubreaper();

// Collects the ended children of the calling process and keeps their statuses. The only caller of wait in it.
//
// The leader is not held back as a zombie to pin its group's number, as one might: waitid(2) cannot look past
// one zombie to the next, so that would hide every other ended child. Groups are signalled by pidfd instead.
class Reaper {
 public:
  // `seal`: what the leader was launched into, or null; it has to outlive the reaper. Nothing is left once its init is
  // collected, too, which ends when we have collected all of ours.
  explicit Reaper(pid_t leader, const process::Seal* seal = nullptr) : leader_(leader), seal_(seal) {}

  // Collects all that have ended; whether any child is left. Never blocks.
  bool Collect();
  // Children that may stay: nothing is left, too, once this is asked while children live and says false.
  void Spare(std::function<bool()> others_left) { others_left_ = std::move(others_left); }
  [[nodiscard]] bool nothing_left() const { return nothing_left_; }
  [[nodiscard]] const std::optional<ExitStatus>& leader_status() const { return leader_status_; }
  // Of everything collected since ForgetStatuses, by pid.
  [[nodiscard]] const std::map<pid_t, ExitStatus>& statuses() const { return statuses_; }
  // What was collected before a stop began is nobody's concern, and a number may come again.
  void ForgetStatuses() { statuses_.clear(); }

 private:
  pid_t leader_;
  const process::Seal* seal_;
  bool finishing_ = false;  // only the seal's init is left of our children
  bool nothing_left_ = false;
  std::function<bool()> others_left_;
  std::optional<ExitStatus> leader_status_;
  std::map<pid_t, ExitStatus> statuses_;
};

}  // namespace curfew::containment
