// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <optional>
#include <string>
#include <variant>

#include "cli/guardian.h"
#include "cli/inherited_signals.h"
#include "cli/progress.h"
#include "cli/verdict.h"

namespace curfew::cli {

// The process that the shell knows as `curfew run`: it starts the guardian, passes signals on, follows the command's
// stops (Ctrl-Z), and takes over should the guardian be killed, as the second subreaper.
//
// The command shares our process group: it is in the foreground when we are, the terminal's signals reach it directly,
// and a pipeline we stand in stays one job. So what comes from the kernel (the terminal) is not passed on, what comes
// from a process is.
class Front {
 public:
  explicit Front(GuardedCommand command);

  // Blocks until nothing of the command is left. A Failure when it could not be launched.
  [[nodiscard]] process::Result<Outcome> Run();

 private:
  [[nodiscard]] process::Result<void> StartGuardian();
  [[noreturn]] void BecomeGuardian(keeper::Channel&& channel, process::Pidfd front);
  void Loop();
  void OnSignal();
  void OnMessage(const nlohmann::json& message);
  // The job is to be seen as stopped, if the command really is.
  void FollowStop();
  // The guardian is gone without its last word: its tree is ours now.
  void TakeOver();
  void CollectGuardian();

  GuardedCommand command_;
  keeper::Channel channel_;
  process::FileDescriptor signals_;
  pid_t guardian_ = 0;
  pid_t leader_ = 0;
  bool done_ = false;
  std::optional<process::Failure> not_launched_;
  Progress progress_;
  Outcome outcome_;
};

}  // namespace curfew::cli
