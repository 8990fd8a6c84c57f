// SPDX-License-Identifier: Apache-2.0
#include "containment/reaper.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>

#include "process/switches.h"

namespace curfew::containment {

int BecomeSubreaper() {
  if (process::SwitchedOff("subreaper")) return 0;
  return ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? 0 : errno;
}

bool Reaper::Collect() {
  while (!nothing_left_) {
    int status = 0;
    // __WALL: children made by clone(2) with another exit signal are waited for as well.
    // Without it the init of a seal is passed over, whose end is the last.
    const bool all = seal_ == nullptr || finishing_;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | (all ? __WALL : 0));
    if (pid == 0) {
      if (!others_left_ || others_left_()) return true;
      nothing_left_ = true;
      break;
    }
    if (pid < 0) {
      if (errno == EINTR) continue;
      if (!all) {
        finishing_ = true;
        seal_->Finish();
        continue;
      }
      nothing_left_ = true;
      break;
    }
    const auto ended = ExitStatus::FromWaitStatus(status);
    statuses_.insert_or_assign(pid, ended);
    if (pid == leader_ && !leader_status_) leader_status_ = ended;
  }
  return false;
}

}  // namespace curfew::containment
