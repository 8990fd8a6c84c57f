// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "containment/reaper.h"
#include "containment/stop_routine.h"
#include "containment/tree_finder.h"
#include "process/pidfd.h"

namespace curfew::testing {

// Forks a child that runs the body and ends. Whatever goes wrong, an alarm ends it after some seconds.
pid_t Fork(const std::function<void()>& body);
// One byte for WardenProcess::AwaitReady; to be called below a leader.
void TellReady();
[[noreturn]] void ReadyAndPause();
void Ignore(int signal);

// A subreaper with one tree below it: what a warden is, without its channels. Lives in RunAsWarden's child.
class WardenProcess {
 public:
  enum class Search { kTagAndLineage, kLineage };
  explicit WardenProcess(process::Tag tag, Search search);

  // Forks the leader with the tag, in a session of its own, or only a group of its own.
  void Launch(const std::function<void()>& leader, bool own_session = true);
  // Waits until so many processes of the tree have told that they are ready.
  void AwaitReady(int count) const;
  // Waits until the process is in this state ('T': stopped).
  void AwaitState(pid_t pid, char state) const;
  // Waits until the leader has ended, and collects it.
  void AwaitLeaderEnd();
  // The loop in which a warden drives the stop.
  [[nodiscard]] StopResult Stop(StopPolicy policy, bool daemonizes = false);

  // EXPECT and ASSERT would speak in the wrong process.
  void Check(bool right, const std::string& otherwise);
  void CheckEqual(const std::string& actual, const std::string& expected);
  [[nodiscard]] const std::string& complaints() const { return complaints_; }

  procfs::Proc proc;
  containment::TreeFinder finder;
  process::Pidfd leader;
  std::optional<containment::Reaper> reaper;

 private:
  process::Tag tag_;
  std::string complaints_;
};

// "9 x 1, 15 x 3": how many processes of a stopped tree needed which signal.
[[nodiscard]] std::string Needs(const StopResult& result);

// Runs the body in a child process and returns its complaints: empty if all is well. A body that hangs is
// one, and so is a process of the tree that is left over; it is killed.
[[nodiscard]] std::string RunAsWarden(const std::function<void(WardenProcess&)>& body,
                                      WardenProcess::Search search = WardenProcess::Search::kTagAndLineage);

}  // namespace curfew::testing
