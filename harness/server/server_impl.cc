// SPDX-License-Identifier: Apache-2.0
#include "server/server_impl.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "containment/level.h"
#include "containment/stale.h"
#include "process/clock.h"
#include "process/switches.h"
#include "procfs/system_proc.h"
#include "readiness/discover_first.h"
#include "readiness/discover_probe.h"
#include "readiness/namespace_table.h"
#include "readiness/validate.h"
#include "server/check_spec.h"
#include "server/command_run.h"
#include "server/disk_room.h"
#include "server/start_story.h"
#include "server/taken_address.h"
#include "server/wait_teller.h"

namespace curfew {
namespace {

using namespace std::chrono_literals;
using containment::Level;
using server::FailedStart;
using server::ServerLife;
using readiness::Outcome;

constexpr auto kAskTimeout = 10s;
// Beyond the graces of its policy a stop waits for the kernel; the warden itself gives up sooner.
constexpr auto kStopSlack = 30s;
constexpr auto kReapTimeout = 10s;
constexpr std::size_t kLogLines = 20;
constexpr const char* kUnannounced =
    " while it was in use, and the test had not announced it (ExpectExit, Signal, Crash, WaitExit)";

Level LevelOrThrow() {
  if (const auto level = containment::LevelOfEnvironment()) return *level;
  throw StartError(StartError::kBadSpec,
                   "failed to start a server: CURFEW_CONTAINMENT=" + std::string(std::getenv("CURFEW_CONTAINMENT")) +
                       " is none of auto, basic, cgroup and sealed",
                   {});
}

std::uint64_t SizeOf(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

Server::Impl::Impl() : owner(::getpid()) {}

void Server::Impl::Prepare(ServerSpec spec) {
  Run& run = Run::Current();
  run.Begin();
  if (!run.active()) {
    throw StartError(StartError::kHarnessLost,
                     "failed to start a server: this process is not the test program that began the run, but a "
                     "forked child or the re-executed child of a death test; servers are started by the test program",
                     {});
  }
  server::CheckSpec(spec);
  level = LevelOrThrow();
  datagram_sockets = readiness::MakeUdpTable(procfs::SystemProc());
  unix_sockets = readiness::MakeUnixTable();
  test = run.current_test();
  auto& state = *run.state_;
  const std::lock_guard lock(state.mutex);
  state.EnsureKeeper();
  const auto number = std::to_string(++state.servers_started);
  std::map<std::string, std::string> values;
  for (const auto* record : state.servers) record->AddCaptured(values);  // what was started later stays
  prepared = std::make_unique<server::PreparedServer>(std::move(spec), state.directory / number, std::move(values));
  listeners = readiness::MakeListenerTable(procfs::SystemProc(), prepared->address().host);
}

Server::Impl::~Impl() {
  if (!owned()) {
    // A forked child: the parent's directory is not ours to remove. Kept reachable, for leak checkers.
    static auto& abandoned = *new std::vector<std::unique_ptr<server::PreparedServer>>();
    abandoned.push_back(std::move(prepared));
    return;
  }
  auto& state = *Run::Current().state_;
  try {
    const std::lock_guard lock(mutex);
    if (life) static_cast<void>(End(false));
  } catch (const std::exception& error) {
    const std::lock_guard lock(state.mutex);
    state.deaths.emplace_back(error.what());
  }
  const std::lock_guard lock(state.mutex);
  state.servers.remove(this);
  // From here on nobody can ask for its log.
  if (prepared) state.Tell({{"op", "log_released"}, {"log", prepared->log().path().string()}});
}

std::optional<leaks::LiveServer> Server::Impl::live() const {
  if (life->over()) return std::nullopt;
  return leaks::LiveServer{prepared->name(), life->tag(), life->warden(), life->Leader(), prepared->spec().daemonizes, life->init()};
}

void Server::Impl::AddCaptured(std::map<std::string, std::string>& values) const {
  if (life->over()) return;
  for (const auto& [group, text] : captured) {
    values["captured:" + group] = text;
    values["captured:" + prepared->name() + ':' + group] = text;
  }
}

void Server::Impl::CheckOwner(const char* call) const {
  if (owned()) return;
  throw std::logic_error(std::string("curfew::Server::") + call + ": server " + prepared->name() + " belongs to process " +
                         std::to_string(owner) + ", and this is " + std::to_string(::getpid()) +
                         ", a fork of it; a server can be used only by the process that started it");
}

process::Result<Server::Impl::WardenLink> Server::Impl::AskForWarden(const std::filesystem::path& log, bool quiet) {
  auto& state = *Run::Current().state_;
  auto channel = keeper::Channel::Pair();
  if (!channel.ok()) return channel.failure();
  auto& [ours, theirs] = *channel;
  const std::lock_guard lock(state.mutex);
  state.EnsureKeeper();
  auto answer = state.keeper->Ask(
      {{"op", "server"},
       {"name", prepared->name()},
       {"test", test},
       {"log", log.string()},
       {"level", containment::ToString(level)},
       {"quiet", quiet}},
      process::Scaled(kAskTimeout), theirs.fd());
  if (!answer.ok()) return answer.failure();
  if (!quiet) answer->at("why_no_leaf").get_to(state.why_no_cgroup);
  return WardenLink{std::move(ours), answer->at("pid").get<pid_t>(),
                    process::Tag::FromValue(answer->at("tag").get<std::uint64_t>())};
}

std::unique_ptr<ServerLife> Server::Impl::StartWarden() {
  auto warden = AskForWarden(prepared->log().path(), false);
  if (!warden.ok()) {
    throw TellStory(*prepared, {.reason = server::ReasonOf(warden.failure()), .headline = "could not start its warden",
                                .failure = warden.failure()});
  }
  return std::make_unique<ServerLife>(std::move(warden->channel), warden->pid, warden->tag, prepared->spec().daemonizes);
}

std::function<void(const Run::WaitNews&)> Server::Impl::ObserverOfWaits() {
  auto& state = *Run::Current().state_;
  const std::lock_guard lock(state.mutex);
  return state.wait_observer;
}

std::string Server::Impl::Mark() const { return Run::Current().id() + '/' + test + '/' + prepared->name(); }

void Server::Impl::OpenNotification() {
  const auto fail = [this](const process::Failure& failure) {
    throw TellStory(*prepared, {.reason = StartError::kCouldNotLaunch, .headline = "could not prepare to hear from it",
                                .failure = failure});
  };
  if (const auto& address = prepared->notify_address()) {
    notify_socket.reset();  // of the life before, which may still hold the name
    auto bound = readiness::NotifySocket::Bind(*address);
    if (!bound.ok()) fail(bound.failure());
    notify_socket = std::move(*bound);
  }
  if (readiness::Mentions(prepared->ready(), Ready::Kind::kNotifyFd)) {
    auto made = readiness::NotifyPipe::Make();
    if (!made.ok()) fail(made.failure());
    notify_pipe = std::move(*made);
  }
}

// Nobody reads any more: what the server goes on to tell must not fill a queue and block it.
void Server::Impl::CloseNotification() {
  if (notify_socket) notify_socket->Close();
  if (notify_pipe) notify_pipe->Close();
}

std::unique_ptr<readiness::Probe> Server::Impl::MakeProbe(const ServerLife& tree, const Beginning& beginning,
                                                          readiness::Captures* captures) {
  commands = std::make_unique<server::WardenCommandRunner>(
      *prepared, captures != nullptr ? *captures : captured, Mark(), containment::ToString(level),
      [this]() -> process::Result<keeper::Channel> {
        auto warden = AskForWarden(prepared->command_output(), true);
        if (!warden.ok()) return warden.failure();
        return std::move(warden->channel);
      });
  auto subject = MakeSubject(tree, beginning.log_offset);
  subject.launched = beginning.launched;
  subject.deadline = beginning.deadline;
  subject.files_before = beginning.files;
  subject.once = !beginning.launched;
  subject.captures = captures;
  subject.commands = commands.get();
  return readiness::MakeProbe(prepared->ready(), subject);
}

readiness::Subject Server::Impl::MakeSubject(const ServerLife& tree, std::uint64_t log_offset) const {
  readiness::Subject subject;
  subject.address = prepared->address();
  subject.log = prepared->log().path();
  subject.log_offset = log_offset;
  subject.tree = &tree;
  subject.proc = &procfs::SystemProc();
  subject.listeners = following.get();
  subject.datagram_sockets = datagram_sockets.get();
  subject.unix_sockets = unix_sockets.get();
  subject.holds = prepared->HeldInodes();
  subject.notify_socket = notify_socket.get();
  subject.notify_pipe = notify_pipe.get();
  return subject;
}

std::unique_ptr<readiness::Probe> Server::Impl::MakeFirstProbe(const ServerLife& attempt, const Beginning& beginning,
                                                               readiness::Captures& captures, std::string& ready_note) {
  // The probes take the numbers as they are now.
  const auto make = [this, &attempt, beginning, &captures, &ready_note] {
    auto probe = MakeProbe(attempt, beginning, &captures);
    ready_note = EncodeReadyNote(attempt);
    return probe;
  };
  auto wanted = prepared->PortsToDiscover();
  if (wanted.empty()) return make();
  std::set<std::uint16_t> known;
  for (const auto& [name, number] : prepared->address().ports) {
    if (!wanted.contains(name)) known.insert(number);
  }
  const auto subject = MakeSubject(attempt, 0);
  return std::make_unique<readiness::DiscoverFirst>(
      std::make_unique<readiness::DiscoverProbe>(std::move(wanted), std::move(known), subject),
      [this, make](const readiness::DiscoverFirst::Numbers& numbers) {
        prepared->Discovered(numbers);
        return make();
      },
      subject);
}

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

bool Server::Impl::Attempt(int number, Deadline deadline, const std::stop_token& cancel) {
  const auto log_offset = SizeOf(prepared->log().path());
  const Beginning beginning{.log_offset = log_offset,
                            .launched = std::chrono::steady_clock::now(),
                            .deadline = deadline,
                            .files = readiness::VersionsNow(prepared->ready(), prepared->address())};
  prepared->ReachedByIpv6Only(false);
  OpenNotification();
  auto attempt = StartWarden();
  prepared->ReleasePorts();
  const int descriptor = notify_pipe ? notify_pipe->server_end() : -1;
  auto launched = [&] {
    auto request = prepared->LaunchRequest(Mark());
    request["level"] = containment::ToString(level);
    request["sealed"] = level == Level::kSealed || (prepared->spec().sealed && level != Level::kBasic);
    return attempt->Launch(request, descriptor);
  }();
  if (notify_pipe) notify_pipe->CloseServerEnd();
  if (!launched.ok()) TellLaunchFailure(launched.failure());
  NoteContainment(attempt->containment());
  if (prepared->spec().network.is_private()) {
    listeners = readiness::MakePrivateTable(procfs::SystemProc(), attempt->Leader(), attempt->TakeNetworkDiag());
  }
  following = readiness::MakeFollowingTable(procfs::SystemProc(), *listeners, *attempt);
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
  for (const auto& process : abandoned.processes) text += "\n    " + std::to_string(process.pid) + ' ' + process.CommandLine();
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
  if (const auto no_room = server::WhyNoRoom(prepared->log().path().parent_path()); !no_room.empty()) text += "\n  " + no_room;
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
