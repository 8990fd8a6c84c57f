// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "leaks/exemptions.h"
#include "leaks/leak_checker.h"
#include "process/tag.h"
#include "report/program_record.h"
#include "server/keeper_client.h"
#include "server/run.h"

namespace curfew {

// What Run remembers of a server that is up. Owned by the Server; Run only looks.
class ServerRecord {
 public:
  virtual ~ServerRecord() = default;
  // Nothing once it has been stopped or lost.
  [[nodiscard]] virtual std::optional<leaks::LiveServer> live() const = 0;
  // What to say if the server has ended unannounced and nobody was told yet.
  [[nodiscard]] virtual std::optional<std::string> TakeUnexpectedDeath() = 0;
  // Adds what it has captured to the values of placeholders, unless it has been stopped.
  virtual void AddCaptured(std::map<std::string, std::string>& values) const = 0;
};

struct Run::State {
  mutable std::mutex mutex;
  pid_t owner = 0;         // the process that began the run; 0: not begun
  bool refused = false;    // the re-executed child of a death test
  std::string id;
  std::optional<process::Tag> tag;
  std::filesystem::path directory;  // made with the first server
  std::unique_ptr<server::KeeperClient> keeper;
  std::string current_test;
  std::optional<std::pair<std::string, std::optional<Duration>>> unannounced_test;  // begun before the keeper
  std::chrono::steady_clock::time_point test_began;
  std::list<ServerRecord*> servers;
  std::vector<std::string> deaths;   // of servers that were let go before anybody asked
  std::vector<Leak> pending_leaks;   // what wardens found
  std::set<std::pair<pid_t, std::uint64_t>> reported;  // a leak is told once, whoever finds it first
  std::optional<leaks::LeakChecker> checker;
  std::map<Scope, leaks::LeakChecker::Baseline> baselines;
  bool watches_resources = false;
  std::map<Scope, leaks::Resources> resources;  // baselines
  std::set<std::string> told_resources;         // by their id
  leaks::Exemptions file_exemptions;  // of CURFEW_SUPPRESSIONS
  leaks::Exemptions program_exemptions;
  leaks::Exemptions test_exemptions;
  unsigned servers_started = 0;
  std::string containment;  // of the server started last, beside lineage and tag
  std::string why_no_cgroup;
  std::optional<report::ArtifactSettings> artifacts;
  std::function<report::ProgramRecord()> program_record;
  std::function<void(const WaitNews&)> wait_observer;
  bool loss_told = false;  // that the keeper is gone

  [[nodiscard]] std::vector<leaks::LiveServer> LiveServers() const;
  [[nodiscard]] std::string Containment() const;
  // The directory of the run and its keeper, made at first need. Throws StartError.
  void EnsureKeeper();
  void AnnounceTest();
  // All that the framework knows, to a keeper that has just been started.
  void TellProgram();
  // A message to the keeper, if there is one, that is not answered.
  void Tell(const nlohmann::json& message);
  // Those that may stay are marked, and the keeper told.
  void Exempt(std::vector<Leak>& leaks);
  // Into the run's journal; where there is no keeper to write one, into the notes that `curfew run` reads.
  void Note(nlohmann::json event);
  void NoteAside(nlohmann::json event) const;
  // One question to the keeper, if there is one.
  std::optional<nlohmann::json> Ask(const nlohmann::json& request, Duration timeout);
};

}  // namespace curfew
