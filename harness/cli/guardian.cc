// SPDX-License-Identifier: Apache-2.0
#include "cli/guardian.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "containment/cgroup_home.h"
#include "containment/contained_launch.h"
#include "containment/level.h"
#include "process/clock.h"
#include "process/switches.h"
#include "procfs/net.h"
#include "procfs/own_view.h"
#include "procfs/system_proc.h"
#include "report/encode.h"
#include "report/read_journal.h"

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using process::Tag;
using Clock = std::chrono::steady_clock;

// What ends by itself in this time after the command is no leak: exits are not instant.
constexpr auto kSettle = 100ms;
constexpr auto kFirstPause = 1ms;
constexpr auto kLongestPause = 50ms;
// Keepers of inner runs stop their servers by their own graces; this bounds one that was stopped from outside.
constexpr auto kHelpersTimeout = 120s;
// A command that a debugger holds is not timed out; it is looked at again after this.
constexpr auto kTimeOutRetry = 200ms;
// Looks at what is left in which /proc showed nobody, while wait(2) says that there is somebody.
constexpr int kLooksForNobody = 20;

// For the front to take the last words, however long it is stopped.
constexpr auto kLastWordTimeout = 24h;

Deadline SendDeadline() { return Clock::now() + 1s; }

}  // namespace

Guardian::Guardian(keeper::Channel&& front_channel, process::Pidfd front, GuardedCommand command,
                   process::Launcher& launcher)
    : channel_(std::move(front_channel)),
      front_(std::move(front)),
      command_(std::move(command)),
      launcher_(launcher),
      journal_(command_.journal),
      leaf_(MakeLeaf()),
      finder_(procfs::SystemProc(), ::getpid(), command_.tag) {
  if (leaf_) finder_.AddLeaf(*leaf_);
}

std::optional<containment::CgroupLeaf> Guardian::MakeLeaf() {
  const auto level = containment::LevelOfEnvironment().value_or(containment::Level::kAuto);
  if (level == containment::Level::kBasic || process::SwitchedOff("cgroup")) return std::nullopt;
  auto home = containment::FindOwnCgroup();
  if (!home.ok()) return std::nullopt;
  auto leaf =
      containment::CgroupLeaf::Make(*home, std::string(containment::CgroupLeaf::kPrefix) + command_.run + "-0-1");
  if (!leaf.ok()) return std::nullopt;
  cgroup_ = *home;
  return std::move(*leaf);
}

process::Result<process::Pidfd> Guardian::Launch() {
  process::LaunchRequest request;
  request.executable = command_.executable;
  request.argv = command_.argv;
  request.environment = command_.environment;
  request.inherit_descriptors = true;
  request.ignored_signals = command_.ignored_signals;
  request.signal_mask = command_.signal_mask;
  request.parent_death_signal = SIGKILL;
  request.tag = command_.tag;
  // The leaf is one witness more; a command that cannot be begun in it is begun all the same.
  auto launched = containment::LaunchInto(leaf_ ? &*leaf_ : nullptr, false, request, launcher_);
  if (!launched.ok() && launched.failure().error == ENOEXEC) {
    // A script without "#!": shells run it by sh (execvp(3)), and so it has to be here.
    request.argv.at(0) = request.executable;
    request.argv.insert(request.argv.begin(), "sh");
    request.executable = "/bin/sh";
    launched = containment::LaunchInto(leaf_ ? &*leaf_ : nullptr, false, request, launcher_);
  }
  if (!launched.ok()) return launched.failure();
  return std::move(launched->leader);
}

void Guardian::Run() {
  AwaitChildren();
  journal_.Write({{"event", "run_begin"},
                  {"schema", report::kJournalSchema},
                  {"run", command_.run},
                  {"host", procfs::HostName()},
                  {"cwd", procfs::SystemProc().ReadLink(::getpid(), "cwd").value_or("")},
                  {"pid", front_.pid()},
                  {"command", command_.argv},
                  {"containment", leaf_ ? "cgroup v2 " + leaf_->name() : "basic"}});
  ancestry_ = Ancestry::Open(procfs::SystemProc());
  if (ancestry_) ancestry_->Begin(::getpid());
  auto launched = Launch();
  if (!launched.ok()) {
    journal_.Write({{"event", "run_end"}, {"run", command_.run}, {"why", launched.failure().ToString()}});
    if (leaf_) leaf_->Remove();
    Tell({{"op", "failed"}, {"operation", launched.failure().operation}, {"errno", launched.failure().error}});
    return;
  }
  leader_ = std::move(*launched);
  origin_ = {.run = command_.run,
             .leader = leader_.pid(),
             .leader_session = ::getsid(0),
             .leader_group = ::getpgrp(),
             .adopter = ::getpid(),
             .belongings = leaks::StandardStreams(procfs::SystemProc(), ::getpid(), "curfew run")};
  reaper_.emplace(leader_.pid());
  // Only now: the command was to begin in the group the shell made, in the foreground if that is. From here on what
  // the terminal or anybody sends to that group is not for us: we have to outlive it. A session and not a group of our
  // own: were the command the last that ties its group to another of its session, as in CI, then its end would have the
  // kernel send SIGHUP to all of that group once somebody in it is stopped (credentials(7), orphaned process groups).
  ::setsid();
  LetGoOfStreams();
  journal_.Write({{"event", "command_launched"}, {"pid", leader_.pid()}, {"argv", command_.argv}});
  Tell({{"op", "launched"}, {"pid", leader_.pid()}});
  if (ancestry_) {
    ancestry_watch_.emplace(io_, ancestry_->fd(), [this] { ancestry_->Read(); });
  }
  channel_watch_.emplace(io_, channel_.fd(), [this] { OnFront(); });
  front_watch_.emplace(io_, front_.get(), [this] { OnFrontGone(); });
  if (command_.timeout) StartClock(process::Scaled(*command_.timeout));
  OnChild();
  io_.run();
}

void Guardian::StartClock(Duration left) {
  timeout_.expires_after(left);
  timeout_.async_wait([this](const boost::system::error_code& error) {
    if (!error) OnTimeOut();
  });
}

void Guardian::OnStopped(int signal) {
  // Before the front is told, which follows every stop: is it stopped already, then so is the whole job, by a terminal
  // whose SIGTSTP the command has made a SIGSTOP of, or by somebody who means us all.
  const auto front = procfs::SystemProc().ReadStat(front_.pid());
  const bool by_job_control = signal != SIGSTOP || (front && (front->state == 'T' || front->state == 't'));
  Tell({{"op", "stopped"}, {"signal", signal}});
  if (!command_.timeout || !by_job_control || time_left_ || stop_) return;
  time_left_ = std::max<Duration>(timeout_.expiry() - Clock::now(), 1ms);
  timeout_.cancel();
}

void Guardian::OnContinued() {
  // Whoever continued the command alone means the job: its front has stopped itself to show the shell.
  static_cast<void>(front_.Signal(SIGCONT));
  if (time_left_ && !stop_) StartClock(*std::exchange(time_left_, std::nullopt));
}

void Guardian::LetGoOfStreams() {
  // Whoever reads what the command writes waits for the last holder.
  const process::FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) ::dup2(null.get(), fd);
}

void Guardian::AwaitChildren() {
  children_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    AwaitChildren();
    OnChild();
  });
}

void Guardian::OnChild() {
  if (!reaper_) return;
  LookAtStops();
  reaper_->Collect();
  if (reaper_->leader_status() && !told_end_) {
    told_end_ = true;
    OnCommandEnd();
    return;
  }
  if (!reaper_->nothing_left() || !told_end_) return;
  if (stop_) {
    FinishStop();
  } else {
    Settle();
  }
}

void Guardian::LookAtStops() {
  // The command's own stops only; waits for any child are the reaper's.
  siginfo_t info{};
  while (!reaper_->leader_status() &&
         ::waitid(P_PIDFD, static_cast<id_t>(leader_.get()), &info, WSTOPPED | WCONTINUED | WNOHANG) == 0 &&
         info.si_pid != 0) {
    if (info.si_code == CLD_STOPPED) OnStopped(info.si_status);
    if (info.si_code == CLD_CONTINUED) OnContinued();
    info = {};
  }
}

void Guardian::OnFront() {
  while (auto message = channel_.TryReceive()) {
    const auto& body = message->body;
    if (body.at("op") != "signal") continue;
    if (told_end_) {
      Hurry();
    } else {
      static_cast<void>(leader_.Signal(body.at("signal").get<int>()));
    }
  }
  if (!channel_.open()) channel_watch_.reset();
}

void Guardian::Hurry() {
  command_.grace = Duration::zero();
  if (stop_) {
    FinishStop();
  } else {
    FindLeaks();
  }
}

void Guardian::OnFrontGone() {
  front_watch_.reset();
  command_.keep = false;  // there is nobody left to tell about what would be kept
  cause_ = "curfew run itself was killed";
  if (!stop_) BeginStop();
}

void Guardian::OnTimeOut() {
  if (stop_ || time_left_ || reaper_->leader_status()) return;
  const auto stat = procfs::SystemProc().ReadStat(leader_.pid());
  if (stat && stat->state == 't') {
    StartClock(kTimeOutRetry);
    return;
  }
  timed_out_ = true;
  // One that was stopped by SIGSTOP has stopped its front, too, which is to tell of this.
  if (stat && stat->state == 'T') static_cast<void>(front_.Signal(SIGCONT));
  Tree running{.leader = leader_.pid(), .processes = {}};
  for (const auto& member : finder_.Find()) {
    if (auto info = procfs::SystemProc().Describe(member.pid)) running.processes.push_back(std::move(*info));
  }
  procfs::FillPorts(procfs::SystemProc(), running.processes);
  cause_ = "still running after its timeout of " + process::Describe(process::Scaled(*command_.timeout));
  journal_.Write(
      {{"event", "run_timeout"}, {"run", command_.run}, {"why", "was " + cause_}, {"evidence", running.ToString()}});
  Tell({{"op", "timed_out"}, {"why", cause_}, {"tree", running.ToString()}});
  BeginStop();
}

void Guardian::OnCommandEnd() {
  timeout_.cancel();
  const auto& status = *reaper_->leader_status();
  journal_.Write({{"event", "owner_end"}, {"pid", leader_.pid()}, {"status", status}});
  Tell({{"op", "ended"}, {"status", status}});
  if (stop_) {
    if (reaper_->nothing_left()) FinishStop();
    return;
  }
  ended_at_ = Clock::now();
  pause_ = kFirstPause;
  Settle();
}

std::vector<ProcessInfo> Guardian::BusyHelpers() const {
  std::vector<ProcessInfo> helpers;
  for (const auto& member : finder_.Find()) {
    if (member.zombie() || !leaks::IsCurfewHelper(procfs::SystemProc(), member.pid)) continue;
    if (auto info = procfs::SystemProc().Describe(member.pid)) helpers.push_back(std::move(*info));
  }
  return helpers;
}

void Guardian::Settle() {
  if (stop_ || io_.stopped()) return;
  reaper_->Collect();
  if (reaper_->nothing_left()) {
    Finish();
    return;
  }
  const auto waited = Clock::now() - ended_at_;
  const auto helpers = BusyHelpers();
  if (helpers.empty() || waited > process::Scaled(kHelpersTimeout)) {
    if (pause_ > process::Scaled(kSettle)) {
      FindLeaks();
      return;
    }
  } else {
    // What their test program left behind is theirs to end; counted from when they are through.
    TellWaiting("the keepers of " + std::to_string(helpers.size()) + " processes of inner runs to finish");
  }
  timer_.expires_after(std::min<Duration>(pause_, kLongestPause));
  if (helpers.empty()) pause_ *= 2;
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Settle();
  });
}

bool Guardian::NobodyToName() {
  if (!leaks_.empty()) return false;
  if (!reaper_->Collect()) {  // they have ended meanwhile
    Finish();
    return true;
  }
  auto why = procfs::WhyNotOurs(procfs::SystemProc());
  if (why.empty() && ++looks_for_nobody_ < kLooksForNobody) {
    pause_ = kFirstPause;
    Settle();
    return true;
  }
  if (why.empty()) why = "/proc does not show it (hidepid, or no descriptor to read it)";
  why = "something is left, and what cannot be told: " + why;
  journal_.Write({{"event", "trouble"}, {"text", why}});
  Tell({{"op", "blind"}, {"why", why}});
  BeginStop();
  return true;
}

void Guardian::FindLeaks() {
  timer_.cancel();
  leaks_ = leaks::DescribeLeft(finder_, origin_);
  if (NobodyToName()) return;
  if (ancestry_) {
    ancestry_->Read();
    for (auto& leak : leaks_) {
      leak.ancestors = ancestry_->Of(leak.process.pid);
      BlameByCommand(leak);
    }
  }
  command_.exemptions.Apply(leaks_);
  const auto exempted = [](const Leak& leak) { return !leak.exempted.empty(); };
  for (auto& leak : leaks_) {
    if (exempted(leak)) leak.why_alive = "left alone, since it is exempted";
  }
  if (std::ranges::all_of(leaks_, exempted)) {
    Spare();
    Finish();
    return;
  }
  if (command_.keep) {
    std::set<pid_t> staying;
    for (auto& leak : leaks_) {
      leak.why_alive = "kept, as --keep asks";
      staying.insert(leak.process.pid);
    }
    MoveOut(staying);
    Finish();
    return;
  }
  BeginStop();
}

void Guardian::Spare() {
  if (command_.exemptions.empty()) return;
  auto left = leaks::DescribeLeft(finder_, origin_);
  command_.exemptions.Apply(left);
  std::set<pid_t> spared;
  for (const auto& leak : left) {
    if (!leak.exempted.empty()) spared.insert(leak.process.pid);
  }
  if (spared.empty()) return;
  MoveOut(spared);
  without_exempted_.emplace(procfs::SystemProc(), ::getpid(), command_.tag, std::move(spared));
  reaper_->Spare([this] { return !without_exempted_->FindThoroughly().empty(); });
}

void Guardian::MoveOut(const std::set<pid_t>& staying) const {
  if (!leaf_) return;
  std::ofstream procs(*cgroup_ / "cgroup.procs");
  for (const pid_t pid : staying) procs << pid << std::endl;  // one write(2) each (cgroups(7))
}

void Guardian::BeginStop() {
  Spare();
  const StopPolicy policy{.steps = {{SIGTERM, command_.grace}}};
  std::vector<const containment::Enclosure*> enclosures;
  if (leaf_) enclosures.push_back(&*leaf_);
  stop_.emplace(without_exempted_ ? *without_exempted_ : finder_, leader_, *reaper_, policy, false, enclosures);
  StepStop();
}

void Guardian::StepStop() {
  const auto deadline = stop_->NextStep();
  if (!deadline) {
    FinishStop();
    return;
  }
  TellWaiting("what is left to end on SIGTERM");
  timer_.expires_at(*deadline);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) StepStop();
  });
  OnChild();
}

void Guardian::FinishStop() {
  if (io_.stopped()) return;
  const auto result = stop_->Finish();
  for (auto& leak : leaks_) {
    if (!leak.exempted.empty()) continue;
    const auto survivor = std::ranges::find(result.survivors, leak.process.pid,
                                            [](const Survivor& each) { return each.process.pid; });
    leak.reaped = survivor == result.survivors.end();
    if (!leak.reaped) leak.why_alive = survivor->reason;
  }
  if (!told_end_ && reaper_->leader_status()) {
    told_end_ = true;
    journal_.Write({{"event", "owner_end"}, {"pid", leader_.pid()}, {"status", *reaper_->leader_status()}});
    Tell({{"op", "ended"}, {"status", *reaper_->leader_status()}});
  }
  journal_.Write({{"event", "run_stopped"}, {"cause", cause_}, {"result", result}});
  TellAtLast({{"op", "stop"}, {"result", result}});
  Finish();
}

void Guardian::Finish() {
  if (leaf_) leaf_->Remove();
  TellAtLast({{"op", "done"}, {"leaks", leaks_}, {"journal_error", journal_.error()}});
  if (!front_watch_) {
    // The front cannot write the end, nor remove what was made for the run.
    for (const auto& leak : leaks_) journal_.Write({{"event", "leak"}, {"leak", leak}});
    journal_.Write({{"event", "run_end"}, {"run", command_.run}, {"why", cause_}});
    std::error_code ignored;  // what cannot be removed stays
    if (!command_.directory.empty()) std::filesystem::remove_all(command_.directory, ignored);
  }
  io_.stop();
}

void Guardian::TellWaiting(const std::string& what) { Tell({{"op", "waiting"}, {"for", what}}); }

void Guardian::Tell(const json& message) {
  // A front that is gone is told nothing; one that is stopped reads when it goes on. The tree comes first.
  if (channel_.open()) static_cast<void>(channel_.Send(message, SendDeadline()));
}

void Guardian::TellAtLast(const json& message) {
  // One that is gone is no wait at all: the other end of the channel is closed.
  if (channel_.open()) static_cast<void>(channel_.Send(message, Clock::now() + kLastWordTimeout));
}

}  // namespace curfew::cli
