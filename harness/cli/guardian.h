// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/leak.h>

#include "cli/ancestry.h"
#include "containment/cgroup_leaf.h"
#include "containment/reaper.h"
#include "containment/stop_routine.h"
#include "containment/tree_finder.h"
#include "keeper/channel.h"
#include "keeper/watch.h"
#include "leaks/evidence.h"
#include "leaks/exemptions.h"
#include "process/launch.h"
#include "process/tag.h"
#include "report/journal.h"

namespace curfew::cli {

// What is to be run, and how it is to end.
struct GuardedCommand {
  std::string run;
  std::optional<process::Tag> tag;  // what the command and all it begins carry
  std::string executable;           // a path; nothing is searched
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::vector<int> ignored_signals;
  sigset_t signal_mask{};
  std::optional<Duration> timeout;
  Duration grace{};   // between SIGTERM and SIGKILL
  bool keep = false;  // leaks are reported and left alone
  leaks::Exemptions exemptions;
  std::filesystem::path journal;
  std::filesystem::path directory;  // of the run; removed by whoever of the two is left
};

// The process that stands over the command of `curfew run`, as a warden stands over a server: its parent, and the
// subreaper of its tree. It outlives the front (the process that the shell knows), and then reaps the tree as well.
//
// Single-threaded, so that the command may be bound to its life by PR_SET_PDEATHSIG.
//
// Messages, each an object with "op".
// Guardian -> front: launched {pid} | failed {operation, errno}; stopped {signal} when the command was stopped;
//   timed_out {why, tree}; ended {status}; waiting {for} each time something else is waited for;
//   blind {why} if something is left and /proc does not show what; stop {result} when something had to be stopped;
//   done {leaks, journal_error} as its last word
// Front -> guardian: signal {signal}: for the command itself; when that has ended: be quick
class Guardian {
 public:
  Guardian(keeper::Channel&& front_channel, process::Pidfd front, GuardedCommand command, process::Launcher& launcher);
  // Returns when nothing of the tree is left, or what is left cannot be ended.
  void Run();

 private:
  // Nothing where a cgroup cannot be made, or is not wanted.
  [[nodiscard]] std::optional<containment::CgroupLeaf> MakeLeaf();
  [[nodiscard]] process::Result<process::Pidfd> Launch();
  void AwaitChildren();
  void OnChild();
  void LetGoOfStreams();
  void OnFront();
  void Hurry();
  void OnFrontGone();
  void LookAtStops();
  void OnCommandEnd();
  void StartClock(Duration left);
  // The time of a command that job control has stopped does not run.
  void OnStopped(int signal);
  void OnContinued();
  void OnTimeOut();
  // After the command's end: until nothing is left, or what is left has had its time to end by itself.
  void Settle();
  // Keepers and wardens of inner runs that are at their work.
  [[nodiscard]] std::vector<ProcessInfo> BusyHelpers() const;
  void FindLeaks();
  // What is left is waited for no longer; if nobody can be named, why.
  [[nodiscard]] bool NobodyToName();
  void BeginStop();
  // What is exempted is not of the tree that is stopped.
  void Spare();
  // What stays must not stay in our leaf: the next run would end it there as a dead run's.
  void MoveOut(const std::set<pid_t>& staying) const;
  void StepStop();
  void FinishStop();
  void Finish();
  void TellWaiting(const std::string& what);
  void Tell(const nlohmann::json& message);
  // What the front is here for, when nothing else is left to do: one that is stopped may take its time.
  void TellAtLast(const nlohmann::json& message);

  boost::asio::io_context io_{1};
  boost::asio::signal_set children_{io_, SIGCHLD};
  boost::asio::steady_timer timer_{io_};    // of the phase: settling, stopping
  boost::asio::steady_timer timeout_{io_};  // of the command
  keeper::Channel channel_;
  process::Pidfd front_;
  GuardedCommand command_;
  process::Launcher& launcher_;
  report::Journal journal_;
  std::optional<keeper::Watch> channel_watch_;
  std::optional<keeper::Watch> front_watch_;
  std::optional<Ancestry> ancestry_;
  std::optional<keeper::Watch> ancestry_watch_;

  std::optional<std::filesystem::path> cgroup_;  // what our leaf is made in
  std::optional<containment::CgroupLeaf> leaf_;
  containment::TreeFinder finder_;
  process::Pidfd leader_;
  leaks::LeftBehind origin_;
  std::optional<containment::Reaper> reaper_;
  bool told_end_ = false;
  bool timed_out_ = false;
  std::optional<Duration> time_left_;  // while job control has stopped the command
  int looks_for_nobody_ = 0;
  std::string cause_;  // why the tree is stopped, if not for leaks
  Deadline ended_at_;
  Duration pause_{};
  std::vector<Leak> leaks_;
  std::optional<containment::TreeFinder> without_exempted_;
  std::optional<containment::StopRoutine> stop_;
};

}  // namespace curfew::cli
