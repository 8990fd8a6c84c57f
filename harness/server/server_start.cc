// SPDX-License-Identifier: Apache-2.0
// A server's way into life: launched, waited for, registered; or given up, told of, and tried again on fresh ports.
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "containment/level.h"
#include "process/clock.h"
#include "procfs/system_proc.h"
#include "readiness/namespace_table.h"
#include "server/server_impl.h"
#include "server/start_story.h"
#include "server/taken_address.h"
#include "server/wait_teller.h"

namespace curfew {
namespace {

using containment::Level;
using readiness::Outcome;
using server::FailedStart;
using server::ServerLife;

std::uint64_t SizeOf(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

void Server::Impl::TellLaunchFailure(const process::Failure& failure) const {
  server::FailedStart failed{.reason = server::ReasonOf(failure), .headline = "could not launch it",
                             .failure = failure, .notes = notes};
  if (failure.error == EADDRINUSE) {
    for (const auto& socket : prepared->spec().sockets) {
      if (!socket.has_port()) continue;
      const auto other = prepared->DescribeOther(socket.name(), socket.kind() == ListenSocket::Kind::kUdp);
      if (other.empty()) continue;
      failed.reason = StartError::kPortTaken;
      failed.headline = "another process has its port: " + other + "; could not launch it";
      break;
    }
  }
  throw TellStory(*prepared, failed);
}

void Server::Impl::Start(const std::stop_token& cancel) {
  notes.clear();
  const auto deadline = std::chrono::steady_clock::now() + process::Scaled(prepared->spec().ready_timeout);
  for (int number = 1; !Attempt(number, deadline, cancel); ++number) {
  }
}

void Server::Impl::Launch(ServerLife& attempt) {
  prepared->ReleasePorts();
  auto request = prepared->LaunchRequest(Mark());
  request["level"] = containment::ToString(level);
  request["sealed"] = level == Level::kSealed || (prepared->spec().sealed && level != Level::kBasic);
  const auto launched = attempt.Launch(request, notify_pipe ? notify_pipe->server_end() : -1);
  if (notify_pipe) notify_pipe->CloseServerEnd();
  if (!launched.ok()) TellLaunchFailure(launched.failure());
  NoteContainment(attempt.containment());
  if (prepared->spec().network.is_private()) {
    listeners = readiness::MakePrivateTable(procfs::SystemProc(), attempt.Leader(), attempt.TakeNetworkDiag());
  }
  following = readiness::MakeFollowingTable(procfs::SystemProc(), *listeners, attempt);
}

bool Server::Impl::Attempt(int number, Deadline deadline, const std::stop_token& cancel) {
  const auto log_offset = SizeOf(prepared->log().path());
  const Beginning beginning{.log_offset = log_offset,
                            .launched = std::chrono::steady_clock::now(),
                            .deadline = deadline,
                            .files = readiness::VersionsNow(prepared->ready(), prepared->address())};
  prepared->ReachedByIpv6Only(false);
  OpenNotification();
  auto attempt = StartWarden();
  Launch(*attempt);
  readiness::Captures captures;
  std::string ready_note;
  auto outcome = [&] {
    const auto probe = MakeFirstProbe(*attempt, beginning, captures, ready_note);
    server::WaitTeller teller(prepared->name(), ObserverOfWaits());
    return readiness::AwaitReady(*probe, *attempt, prepared->log().path(), cancel, deadline, process::Clock::Steady(),
                                 &teller);
  }();
  commands.reset();  // looks at what is local here
  CloseNotification();
  if (outcome.kind == Outcome::Kind::kReady) {
    const auto leads = [&outcome](bool by_ipv4) {
      return std::ranges::any_of(outcome.seen, [by_ipv4](const auto& seen) { return seen.by_ipv4 == by_ipv4; });
    };
    prepared->ReachedByIpv6Only(leads(false) && !leads(true));
    for (auto& seen : outcome.seen) {
      if (seen.unproven) notes.push_back(std::move(seen.saw));
    }
    Register(std::move(attempt), std::move(captures), ready_note);
    return true;
  }
  auto failed = GiveUp(*attempt, std::move(outcome));
  if (PrepareRetry(number, failed, log_offset)) return false;
  failed.notes = notes;
  throw TellStory(*prepared, failed);
}

std::string Server::Impl::EncodeReadyNote(const ServerLife& attempt) const {
  nlohmann::json ports = nlohmann::json::array();
  for (const auto& [port_name, port] : prepared->address().ports) ports.push_back(port);
  return keeper::Channel::Encode({{"op", "note"},
                                  {"journal", {{"event", "ready"}, {"server", prepared->name()}, {"test", test},
                                               {"warden", attempt.warden()}, {"ports", std::move(ports)}}}});
}

void Server::Impl::Register(std::unique_ptr<ServerLife> attempt, readiness::Captures captures,
                            const std::string& ready_note) {
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  const bool registered = life != nullptr;
  life = std::move(attempt);
  exit_expected = false;
  signals_sent.clear();
  death_told = false;
  captured = std::move(captures);
  if (!registered) state.servers.push_back(this);
  if (state.keeper) state.keeper->TellEncoded(ready_note);
}

void Server::Impl::NoteContainment(const server::Containment& containment) {
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  state.containment = containment.level;
  if (!containment.why_not.empty()) state.why_no_cgroup = containment.why_not;
}

FailedStart Server::Impl::GiveUp(ServerLife& attempt, Outcome outcome) {
  FailedStart failed{.reason = server::ReasonOf(outcome)};
  if (outcome.kind == Outcome::Kind::kDied && attempt.exit_status() == ExitStatus::Exited(0)) {
    failed.left = attempt.Snapshot().processes;
  }
  failed.headline = server::HeadlineOf(outcome, prepared->spec(), failed.left);
  failed.pid = attempt.Leader();
  failed.exit_status = attempt.exit_status();
  if (attempt.lost()) {
    failed.reason = StartError::kHarnessLost;
    failed.headline = "its warden was killed from outside";
  } else if (!attempt.stop_cause().empty()) {
    failed.reason = attempt.stop_announced() ? StartError::kCancelled : StartError::kHarnessLost;
    failed.headline = "it was stopped: " + attempt.stop_cause();
  }
  auto stopped = attempt.Stop(false, std::chrono::steady_clock::now() + StopTimeout());
  if (stopped.ok()) {
    // What the error itself is about is told once.
    std::erase_if(stopped->orphans, [&](const Leak& orphan) {
      return std::ranges::any_of(failed.left, [&](const ProcessInfo& left) { return left.pid == orphan.process.pid; });
    });
    NoteLeaks(*stopped);
    failed.stop = std::move(*stopped);
  }
  failed.outcome = std::move(outcome);
  failed.learnt_by = attempt.TellsOfListening()
                         ? "kernel event, " + std::to_string(attempt.ListenCalls()) + " calls of listen"
                         : listeners->way();
  return failed;
}

bool Server::Impl::PrepareRetry(int number, const FailedStart& failed, std::uint64_t log_offset) {
  const auto obstacle = server::FindTakenAddress(*prepared, failed, log_offset, *listeners);
  if (!obstacle || number >= prepared->spec().port_attempts) return false;
  const bool restart = life != nullptr;
  if (obstacle->our_reservation) {
    prepared->LeavePortsToServer();
  } else if (restart || !prepared->HasFreshPorts()) {
    return false;
  }
  notes.push_back("attempt " + std::to_string(number) + ": " + obstacle->why);
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  state.Tell({{"op", "note"},
              {"journal",
               {{"event", "start_retried"},
                {"server", prepared->name()},
                {"test", test},
                {"attempt", number},
                {"why", obstacle->why}}}});
  // A restart stays where it is.
  if (!restart) prepared->StartOver();
  return true;
}

}  // namespace curfew
