// SPDX-License-Identifier: Apache-2.0
// A server's way out of life: stopped, what is left of it reaped and told; or dead before anybody asked for it.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>

#include "containment/stale.h"
#include "process/clock.h"
#include "server/disk_room.h"
#include "server/server_impl.h"

namespace curfew {
namespace {

using namespace std::chrono_literals;

// Beyond the graces of its policy a stop waits for the kernel; the warden itself gives up sooner.
constexpr auto kStopSlack = 30s;
constexpr auto kReapTimeout = 10s;
constexpr std::size_t kLogLines = 20;
constexpr const char* kUnannounced =
    " while it was in use, and the test had not announced it (ExpectExit, Signal, Crash, WaitExit)";

}  // namespace

Duration Server::Impl::StopTimeout() const {
  Duration total = process::Scaled(kStopSlack);
  // A grace may be given as "for ever".
  constexpr Duration kLongest = std::chrono::hours(24 * 365);
  for (const auto& step : prepared->spec().stop.steps) total += std::min(process::Scaled(step.grace), kLongest);
  return std::min(total, kLongest);
}

StopResult Server::Impl::End(bool kill) {
  const bool again = life->stop_result().has_value();
  if (auto death = TakeDeath()) {
    auto& state = *Run::Current().state_;
    const std::lock_guard lock(state.mutex);
    state.deaths.push_back(std::move(*death));
  }
  auto result = life->Stop(kill, std::chrono::steady_clock::now() + StopTimeout());
  if (!result.ok()) {
    throw std::runtime_error("failed to stop server " + prepared->name() + ": its warden " +
                             std::to_string(life->warden()) +
                             (result.failure().error == ETIMEDOUT ? " does not answer" : " was killed from outside") +
                             "; " + LeaveTree());
  }
  for (auto& orphan : result->orphans) {
    orphan.server = prepared->name();
    orphan.test = test;
  }
  if (!again) NoteDeathBeforeStop(*result);
  prepared->HoldPorts();
  NoteLeaks(*result);  // once each, whoever stopped it
  return std::move(*result);
}

std::string Server::Impl::LeaveTree() {
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  // Asked, since one that is just being killed has not ended yet, and will reap nothing.
  if (state.Ask({{"op", "alive"}}, process::Scaled(kReapTimeout))) return "the keeper reaps what is left of the tree";
  life->SignalWarden(SIGKILL);
  const auto abandoned = containment::ReapAbandoned(procfs::Proc(), state.id, life->tag(),
                                                    std::chrono::steady_clock::now() + process::Scaled(kReapTimeout));
  std::string text = "its keeper is gone, too; what was left of the tree was ended here:";
  for (const auto& process : abandoned.processes)
    text += "\n    " + std::to_string(process.pid) + ' ' + process.CommandLine();
  if (abandoned.processes.empty()) text += " nothing";
  for (const auto& survivor : abandoned.survivors) {
    text += "\n  STILL ALIVE: " + std::to_string(survivor.process.pid) + " (" + survivor.reason + ')';
  }
  return text;
}

void Server::Impl::NoteLeaks(const StopResult& result) {
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  const auto note = [&](Leak leak) {
    if (!state.reported.emplace(leak.process.pid, leak.process.start_ticks).second) return;
    leak.server = prepared->name();
    leak.test = test;
    state.pending_leaks.push_back(std::move(leak));
  };
  for (const auto& orphan : result.orphans) note(orphan);
  for (const auto& survivor : result.survivors) {
    Leak leak;
    leak.process = survivor.process;
    leak.evidence = {"lineage"};
    leak.why_alive = survivor.reason;
    note(std::move(leak));
  }
}

std::string Server::Impl::DeathText(const std::string& how) const {
  std::string text = "server " + prepared->name() + " (pid " + std::to_string(life->Leader()) + ") " + how;
  const auto tail = prepared->log().Tail(kLogLines);
  text += tail.empty() ? "\n  its log is empty" : "\n  its last lines:";
  for (const auto& line : tail) text += "\n    | " + line;
  if (const auto no_room = server::WhyNoRoom(prepared->log().path().parent_path()); !no_room.empty())
    text += "\n  " + no_room;
  return text;
}

std::optional<std::string> Server::Impl::DescribeUnexpectedDeath() {
  if (!life || exit_expected || !life->EndedByNow()) return std::nullopt;
  if (!life->stop_cause().empty()) {
    if (life->stop_announced()) return std::nullopt;
    return DeathText("was stopped while it was in use: " + life->stop_cause());
  }
  if (life->stop_result()) return std::nullopt;  // by the test itself
  const auto& status = life->exit_status();
  if (status && status->signaled() && signals_sent.contains(status->signal())) return std::nullopt;
  const std::string how = status ? status->ToString() : "is gone: its warden was killed from outside";
  return DeathText(how + kUnannounced);
}

void Server::Impl::NoteDeathBeforeStop(const StopResult& result) {
  if (!result.leader || exit_expected || death_told || !life->stop_cause().empty()) return;
  if (prepared->spec().daemonizes && *result.leader == ExitStatus::Exited(0)) return;
  if (result.leader->signaled() && signals_sent.contains(result.leader->signal())) return;
  for (const auto& stopped : result.processes) {
    if (stopped.process.pid == life->Leader() && stopped.needed != 0) return;
  }
  death_told = true;
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  state.deaths.push_back(DeathText(result.leader->ToString() + kUnannounced));
}

std::optional<std::string> Server::Impl::TakeUnexpectedDeath() {
  // The run's mutex is held: waiting for this one could be a deadlock. A server in use by another thread
  // is asked when it is stopped.
  const std::unique_lock lock(mutex, std::try_to_lock);
  return lock ? TakeDeath() : std::nullopt;
}

std::optional<std::string> Server::Impl::TakeDeath() {
  if (death_told) return std::nullopt;
  auto death = DescribeUnexpectedDeath();
  death_told = death.has_value();
  return death;
}

}  // namespace curfew
