// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <curfew/server.h>

#include "containment/level.h"
#include "server/prepared_server.h"
#include "server/run_state.h"
#include "server/server_life.h"
#include "server/start_story.h"

namespace curfew {

struct Server::Impl : ServerRecord {
  Impl();
  ~Impl() override;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // ServerRecord
  [[nodiscard]] std::optional<leaks::LiveServer> live() const override;
  [[nodiscard]] std::optional<std::string> TakeUnexpectedDeath() override;
  void AddCaptured(std::map<std::string, std::string>& values) const override;

  // Refuses the call in a process that is not the one that started the server.
  void CheckOwner(const char* call) const;
  [[nodiscard]] bool owned() const { return ::getpid() == owner; }

  // Takes its place in the run. Throws StartError; nothing is left then.
  void Prepare(ServerSpec spec);
  // A life begins: a warden, a leader, readiness; again on fresh ports if an address was taken. Throws StartError;
  // nothing is left running then.
  void Start(const std::stop_token& cancel);
  // One attempt. Whether it is ready; if not, the port was taken and the next attempt is prepared.
  [[nodiscard]] bool Attempt(int number, Deadline deadline, const std::stop_token& cancel);
  [[nodiscard]] std::unique_ptr<server::ServerLife> StartWarden();
  // For the one line that says what holds.
  static void NoteContainment(const server::Containment& containment);
  // The other end of a channel to a new warden. `quiet`: what it does is no news for the journal.
  struct WardenLink {
    keeper::Channel channel;
    pid_t pid = 0;
    std::optional<process::Tag> tag;
  };
  [[nodiscard]] process::Result<WardenLink> AskForWarden(const std::filesystem::path& log, bool quiet);
  // The CURFEW_MARK of its processes.
  [[nodiscard]] std::string Mark() const;
  [[nodiscard]] static std::function<void(const Run::WaitNews&)> ObserverOfWaits();
  // The ways the server may tell that it is ready, made anew for each life.
  void OpenNotification();
  void CloseNotification();
  // Stops it and says what is known.
  [[nodiscard]] server::FailedStart GiveUp(server::ServerLife& attempt, readiness::Outcome outcome);
  // Whether the start failed for a taken address and the next attempt may fare better; makes ready for that.
  [[nodiscard]] bool PrepareRetry(int number, const server::FailedStart& failed, std::uint64_t log_offset);
  void Register(std::unique_ptr<server::ServerLife> attempt, readiness::Captures captures,
                const std::string& ready_note);
  // What the keeper is told of a server that is ready: made while it is waited for.
  [[nodiscard]] std::string EncodeReadyNote(const server::ServerLife& attempt) const;
  // Where a life begins, as its probes have to know it. Without `launched` the server is to be asked once more.
  struct Beginning {
    std::uint64_t log_offset = 0;
    std::optional<Deadline> launched = {};
    std::optional<Deadline> deadline = {};
    readiness::FileVersions files = {};
  };
  // Launches it under its warden, or tells why not; from then on its listeners can be looked up.
  void Launch(server::ServerLife& attempt);
  // What its probes capture is put into `captures`.
  [[nodiscard]] std::unique_ptr<readiness::Probe> MakeProbe(const server::ServerLife& tree, const Beginning& beginning,
                                                            readiness::Captures* captures);
  [[nodiscard]] readiness::Subject MakeSubject(const server::ServerLife& tree, std::uint64_t log_offset) const;
  // As MakeProbe, for a life that begins: ports that are to be discovered are so first. `ready_note` is made, too.
  [[nodiscard]] std::unique_ptr<readiness::Probe> MakeFirstProbe(const server::ServerLife& attempt,
                                                                 const Beginning& beginning,
                                                                 readiness::Captures& captures,
                                                                 std::string& ready_note);
  // The launch failed: tells it, and who has what was to be bound for the server.
  [[noreturn]] void TellLaunchFailure(const process::Failure& failure) const;
  // A life ends.
  StopResult End(bool kill);
  // Of a server whose warden is gone: who ends what is left of the tree, in words. That is done here if nobody else
  // can.
  std::string LeaveTree();
  // Passes on what a stop found: orphans and survivors become leaks of the run.
  void NoteLeaks(const StopResult& result);
  [[nodiscard]] std::optional<std::string> DescribeUnexpectedDeath();
  // As TakeUnexpectedDeath, with the mutex held.
  [[nodiscard]] std::optional<std::string> TakeDeath();
  // The leader had ended by itself when the stop began, and nobody was told.
  void NoteDeathBeforeStop(const StopResult& result);
  [[nodiscard]] std::string DeathText(const std::string& how) const;
  [[nodiscard]] Duration StopTimeout() const;

  pid_t owner;
  std::mutex mutex;  // the listener asks about deaths while another thread may use the server; taken before the run's
  std::unique_ptr<server::PreparedServer> prepared;
  std::unique_ptr<server::ServerLife> life;
  std::unique_ptr<readiness::ListenerTable> listeners;  // of the test program's network, or of the server's private one
  std::unique_ptr<readiness::ListenerTable> following;  // the same, and after a leader that goes elsewhere
  std::vector<std::string> notes;  // of the last start
  std::unique_ptr<readiness::ListenerTable> datagram_sockets;
  std::unique_ptr<readiness::UnixTable> unix_sockets;
  std::unique_ptr<readiness::NotifySocket> notify_socket;  // if its Ready mentions it
  std::unique_ptr<readiness::NotifyPipe> notify_pipe;
  std::unique_ptr<readiness::CommandRunner> commands;
  readiness::Captures captured;  // at the last start; changed under the run's mutex
  std::string test;  // that began it; empty outside of tests
  containment::Level level = containment::Level::kAuto;
  bool exit_expected = false;
  std::set<int> signals_sent;  // by the test, to the leader: a death by one of them is announced
  bool death_told = false;
};

}  // namespace curfew
