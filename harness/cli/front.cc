// SPDX-License-Identifier: Apache-2.0
#include "cli/front.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "containment/cgroup_home.h"
#include "containment/kill_sweep.h"
#include "containment/stale.h"
#include "process/names.h"
#include "procfs/system_proc.h"
#include "report/encode.h"

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using process::Tag;
using Clock = std::chrono::steady_clock;

constexpr std::array kForwarded = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
constexpr int kRedraw = 200;  // milliseconds
constexpr auto kTakeOverDeadline = 10s;

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kForwarded) sigaddset(&set, signal);
  return set;
}

// The command alone writes to what it was given; a copy of ours would keep its readers waiting when it is through.
void LetGoOfStreams() {
  const process::FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
}

}  // namespace

Front::Front(GuardedCommand command) : command_(std::move(command)), progress_(STDERR_FILENO) {
  outcome_.run = command_.run;
  outcome_.command = command_.argv;
}

process::Result<void> Front::StartGuardian() {
  auto channels = keeper::Channel::Pair();
  if (!channels.ok()) return channels.failure();
  auto self = process::Pidfd::Open(::getpid());
  if (!self.ok()) return self.failure();
  // Blocked in both of us from here on: they are read, never handled. The command gets its mask back.
  const auto watched = Watched();
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  signals_.Reset(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) return process::Failure{"signalfd", errno};
  guardian_ = ::fork();
  if (guardian_ < 0) return process::Failure{"fork", errno};
  if (guardian_ == 0) {
    channels->first.Close();
    BecomeGuardian(std::move(channels->second), std::move(*self));
  }
  channels->second.Close();
  channel_ = std::move(channels->first);
  return {};
}

void Front::BecomeGuardian(keeper::Channel&& channel, process::Pidfd front) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  ::sigprocmask(SIG_UNBLOCK, &children, nullptr);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, the kernel would collect behind our back
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) ::signal(signal, SIG_IGN);
  if (const int error = containment::BecomeSubreaper()) {
    static_cast<void>(channel.Send({{"op", "failed"}, {"operation", "become a subreaper"}, {"errno", error}},
                                   Clock::now() + 1s));
    ::_exit(1);
  }
  try {
    Guardian guardian(std::move(channel), std::move(front), command_, process::Launcher::Real());
    guardian.Run();
  } catch (const boost::system::system_error& error) {
    static_cast<void>(channel.Send(
        {{"op", "failed"}, {"operation", "set up the guardian"}, {"errno", error.code().value()}}, Clock::now() + 1s));
    ::_exit(1);
  }
  ::_exit(0);
}

process::Result<Outcome> Front::Run() {
  ::signal(SIGCHLD, SIG_DFL);
  if (const int error = containment::BecomeSubreaper()) return process::Failure{"become a subreaper", error};
  // Ours and the guardian's tag is another than the command's: no sweep of the tree touches us.
  if (command_.tag) static_cast<void>(process::ApplyTag(command_.tag->WithSlot(Tag::kCurfew)));
  if (auto started = StartGuardian(); !started.ok()) return started.failure();
  LetGoOfStreams();
  Loop();
  progress_.Clear();
  CollectGuardian();
  if (not_launched_) return *not_launched_;
  if (!done_) TakeOver();
  return std::move(outcome_);
}

void Front::Loop() {
  while (!done_ && !not_launched_) {
    std::array<pollfd, 2> ready = {{{channel_.fd(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
    const int count = ::poll(ready.data(), ready.size(), progress_.waiting() ? kRedraw : -1);
    if (count < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) OnSignal();
    while (auto message = channel_.TryReceive()) OnMessage(message->body);
    if (!channel_.open()) return;
    progress_.Draw();
  }
}

void Front::OnSignal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    // From the terminal: the command's group is ours, so it has had it already. Once the command is through, the user
    // means what is still waited for.
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (from_terminal && !outcome_.status) continue;
    if (info.ssi_signo == SIGWINCH && outcome_.status) continue;
    static_cast<void>(channel_.Send({{"op", "signal"}, {"signal", info.ssi_signo}}, Clock::now() + 1s));
  }
}

void Front::OnMessage(const json& message) {
  const std::string op = message.at("op");
  if (op == "failed") not_launched_ = process::Failure{message.at("operation"), message.at("errno")};
  if (op == "launched") message.at("pid").get_to(leader_);
  if (op == "stopped") FollowStop();
  if (op == "timed_out") {
    outcome_.timed_out = message.at("why").get<std::string>() + ":\n" + message.at("tree").get<std::string>();
  }
  if (op == "ended") outcome_.status = report::DecodeExitStatus(message.at("status"));
  if (op == "waiting") progress_.WaitFor(message.at("for"));
  if (op == "stop") outcome_.stop = message.at("result").get<StopResult>();
  if (op == "blind") outcome_.blind = message.at("why").get<std::string>();
  if (op == "done") {
    message.at("leaks").get_to(outcome_.leaks);
    if (const int error = message.at("journal_error").get<int>()) outcome_.journal_lost = process::DescribeErrno(error);
    done_ = true;
  }
}

void Front::FollowStop() {
  // Told a while ago, perhaps: after Ctrl-Z and fg we read of a stop that is over.
  const auto stat = procfs::SystemProc().ReadStat(leader_);
  if (stat && (stat->state == 'T' || stat->state == 't')) ::raise(SIGSTOP);
}

void Front::CollectGuardian() {
  while (::waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Front::TakeOver() {
  outcome_.guardian_lost = "its guardian (pid " + std::to_string(guardian_) +
                           ") was killed from outside; what was left of the command has been killed";
  // The command itself was bound to the guardian's life.
  containment::Reaper reaper(leader_);
  const containment::TreeFinder finder(procfs::SystemProc(), ::getpid(), command_.tag);
  containment::KillSweep sweep(finder, nullptr, [&reaper] { return reaper.Collect(); });
  StopResult stop;
  stop.survivors = sweep.Run(Clock::now() + kTakeOverDeadline);
  // The guardian's cgroup has nobody any more who answers for it.
  const auto more =
      containment::ReapStaleLeavesOf(procfs::SystemProc(), command_.run, Clock::now() + kTakeOverDeadline).survivors;
  stop.survivors.insert(stop.survivors.end(), more.begin(), more.end());
  if (!outcome_.status) outcome_.status = reaper.leader_status();
  outcome_.stop = std::move(stop);
}

}  // namespace curfew::cli
