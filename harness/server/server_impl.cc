// SPDX-License-Identifier: Apache-2.0
#include "server/server_impl.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "containment/level.h"
#include "process/clock.h"
#include "process/switches.h"
#include "procfs/system_proc.h"
#include "readiness/discover_first.h"
#include "readiness/discover_probe.h"
#include "readiness/namespace_table.h"
#include "readiness/validate.h"
#include "server/check_spec.h"
#include "server/command_run.h"
#include "server/start_story.h"

namespace curfew {
namespace {

using namespace std::chrono_literals;
using containment::Level;
using server::ServerLife;

constexpr auto kAskTimeout = 10s;

Level LevelOrThrow() {
  if (const auto level = containment::LevelOfEnvironment()) return *level;
  throw StartError(StartError::kBadSpec,
                   "failed to start a server: CURFEW_CONTAINMENT=" + std::string(std::getenv("CURFEW_CONTAINMENT")) +
                       " is none of auto, basic, cgroup and sealed",
                   {});
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
  return leaks::LiveServer{prepared->name(), life->tag(), life->warden(), life->Leader(), prepared->spec().daemonizes,
                           life->init()};
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
  throw std::logic_error(std::string("curfew::Server::") + call + ": server " + prepared->name() +
                         " belongs to process " + std::to_string(owner) + ", and this is " +
                         std::to_string(::getpid()) +
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
  return std::make_unique<ServerLife>(std::move(warden->channel), warden->pid, warden->tag,
                                      prepared->spec().daemonizes);
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

}  // namespace curfew
