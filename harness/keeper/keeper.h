// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <list>
#include <optional>
#include <set>
#include <string>

#include "containment/cgroup_leaf.h"
#include "keeper/channel.h"
#include "keeper/leaves.h"
#include "keeper/stack_tracer.h"
#include "keeper/test_clock.h"
#include "keeper/watch.h"
#include "process/launch.h"
#include "report/artifacts.h"
#include "report/journal.h"
#include "report/rescue.h"

namespace curfew::keeper {

// One warden as its keeper knows it.
struct WardenRecord {
  process::Pidfd process;
  std::uint32_t slot = 0;
  std::optional<process::Tag> tag;
  std::string server;
  std::string test;
  std::string log;
  bool quiet = false;  // its events are no news for the journal
  Channel link;
  std::optional<containment::CgroupLeaf> leaf;
  std::unique_ptr<Watch> watch;
  bool drained = false;  // it said that nothing of its tree is left to it
};

struct KeeperOptions {
  std::string run;
  std::optional<process::Tag> tag;  // that of the test program
  std::filesystem::path directory;  // of the run; removed in the end
  std::filesystem::path journal;
};

// The process that stands over one test program: starts a warden per server, holds the deadline of the running
// test, writes the journal, and when the test program is gone, however it went, has everything stopped.
//
// Second subreaper: what a killed warden leaves is handed to it, and reaped by it.
class Keeper {
 public:
  // Takes the channel only once nothing can throw any more.
  Keeper(Channel&& control, process::Pidfd owner, KeeperOptions options, process::Launcher& launcher);
  // Says hello with a pidfd of this process; returns when the run is over and nothing of it is left.
  void Run(int own_pidfd);

 private:
  void OnControl();
  void OnOwnerGone();
  void OnChild();
  void AwaitChildren();
  nlohmann::json Handle(const nlohmann::json& message, process::FileDescriptor descriptor);
  void OnProgram(const nlohmann::json& message);
  nlohmann::json OnTestResult(const nlohmann::json& message);
  // The journal's last words of the test program, and what it could not write itself.
  void TellOwnersEnd();
  void RescueResults();
  nlohmann::json StartWarden(const nlohmann::json& message, process::FileDescriptor channel);
  std::uint32_t FreeSlot() const;
  void OnWarden(WardenRecord& warden);
  void TakeEvents(WardenRecord& warden);
  // A warden that died without its last word left its tree to us.
  void Recover(const WardenRecord& warden);
  void StopAll(const std::string& cause, bool announced);
  void TellWardensToStop(const std::string& cause, bool announced);
  // Whether what the test's bodies began has lost its program, or is about to.
  [[nodiscard]] bool ProgramEnds();
  void OnTestTimeOut(const std::string& test, const std::string& why);
  // Writes the time-out that waits for its stacks, if one does, to the journal.
  void NoteTimeOut(const std::string& stacks);
  [[nodiscard]] bool DebuggerOnAServer() const;
  void EndIfOver();
  void SweepStrays();
  void Reply(const nlohmann::json& message);

  boost::asio::io_context io_{1};
  boost::asio::signal_set children_{io_, SIGCHLD};
  boost::asio::signal_set terminations_{io_, SIGTERM, SIGINT, SIGHUP};
  Channel control_;
  process::Pidfd owner_;
  KeeperOptions options_;
  process::Launcher& launcher_;
  report::Journal journal_;
  Leaves leaves_;
  std::optional<Watch> control_watch_;
  std::optional<Watch> owner_watch_;
  std::list<WardenRecord> wardens_;
  TestClock test_clock_;
  report::Artifacts artifacts_{{}, ""};
  std::optional<report::ResultRescue> rescue_;  // once the test program has told of its tests
  std::string running_test_;
  std::vector<std::string> owner_command_;
  StackTracer stacks_;
  struct TimeOut {
    std::string test;
    std::string why;
    std::string evidence;
  };
  std::optional<TimeOut> time_out_;  // while its stacks are being read
  std::string ending_;       // why the run ends; empty while it does not
  std::set<pid_t> spared_;   // strays that may stay, as the test program says
  bool end_asked_ = false;   // the test program waits for our word that everything is gone
  bool owner_gone_ = false;
};

}  // namespace curfew::keeper
