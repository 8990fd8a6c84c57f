// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/ignore_leaks.h>
#include <curfew/leak.h>

#include "leaks/resources.h"
#include "report/program_record.h"

namespace curfew {

// The run of this test program: its identity, its keeper, the servers it has up, and what it has leaked.
// The fixtures' listener tells it where the run stands; Server registers with it. One per process.
//
// Threads: calls may come from any thread. Fork: in a forked child, and in the re-executed child of a
// threadsafe death test, active() is false and every call does nothing.
class Run {
 public:
  [[nodiscard]] static Run& Current();

  // Takes the run's identity: the mark goes into this process's environment and the tag on its limits, so
  // that whatever a test body begins carries them. Idempotent. To be called before the program has threads,
  // since setenv(3) beside a getenv is not safe. Starts no process: the keeper comes with the first server.
  void Begin();
  [[nodiscard]] bool active() const;
  [[nodiscard]] const std::string& id() const;

  // The tests' deadline: `timeout` from now for a test that was given one, else (nullopt) the default of 60 s
  // from now for a test that has a server up at any time. The keeper holds the timer.
  void TestBegins(const std::string& name, std::optional<Duration> timeout);
  // Gives the running test another timeout, counted from its beginning; zero for none. It holds whether or not the
  // test has a server. Throws std::logic_error when no test is running, and StartError when there is no keeper to
  // hold it. In a forked child it does nothing.
  void SetTestTimeout(Duration timeout);
  // Nothing, or why the keeper stopped the test's servers (the evidence included).
  [[nodiscard]] std::optional<std::string> TestEnds();
  // "Suite.Test" of the running test, or empty.
  [[nodiscard]] std::string current_test() const;

  // For the journal. `settings` decide what is kept of the run; without a call the environment does. `record` is asked
  // when the keeper starts, with the first server, from whichever thread starts it: a journal begins there, but it
  // tells of all tests.
  void SetProgram(const report::ArtifactSettings& settings, std::function<report::ProgramRecord()> record);
  void IterationBegins(int iteration);
  // After TestEnds. Returns the files that were kept for the test: logs of its servers, if it is bad.
  std::vector<std::string> TestResult(const report::TestRecord& test);
  // The framework has written its results.
  void ProgramEnds();

  // One text for each server that ended unannounced since the last call: name, status, log tail.
  [[nodiscard]] std::vector<std::string> TakeUnexpectedDeaths();

  // A leak is what was begun since the baseline of its scope and is still alive: what SetUpTestSuite begins is no
  // leak of the suite's tests, and yet the suite's to answer for.
  enum class Scope { kProgram, kSuite, kTest };
  // Takes everything of the run that is alive now as known to the scope.
  void TakeBaseline(Scope scope);
  // Everything of the run that is alive and new since the scope's baseline and belongs to no server that is still
  // up, orphans inside servers that are up, and what wardens found when they stopped a server since the last
  // call. Looks again with growing pauses, at most 100 ms in all, before blaming. What is left is killed and
  // collected. `blame` is the test, suite or program to name.
  [[nodiscard]] std::vector<Leak> CheckForLeaks(Scope scope, const std::string& blame);

  // From here on baselines hold what is no process, too: shared memory, socket files, mounts (leaks/resources.h).
  void WatchResources();
  // Those that have appeared since the scope's baseline, and that nobody was told of; none without WatchResources. They
  // are left in place.
  [[nodiscard]] std::vector<leaks::Resource> CheckForResources(Scope scope, const std::string& blame);

  // Leaks that fit are left alone and have `exempted` set. For the program, or for the running test.
  enum class ExemptFor { kProgram, kTest };
  // What is wrong with it, or nothing.
  [[nodiscard]] std::optional<std::string> Exempt(const IgnoreLeaks& exemption, ExemptFor whom);
  // Those of the program's own code that nothing needed so far.
  [[nodiscard]] std::vector<std::string> UnusedExemptions() const;

  // What earlier runs have left on this machine, as one line for each that is over; at most some. Looks at tags alone:
  // about 2 us a process of the machine.
  [[nodiscard]] std::vector<std::string> EarlierOrphans() const;

  // Stops every server that is still up and ends the keeper; waits until both are done. Also done when the
  // program exits.
  void End();

  // How many servers this run has started.
  [[nodiscard]] unsigned servers_started() const;

  // What a start that takes more than two seconds is waiting for, told about twice a second, and once that it is over.
  // Called on the thread that starts the server, which waits meanwhile. One observer; nullptr: none.
  struct WaitNews {
    std::string server;
    Duration waited{};
    Duration allowed{};
    std::vector<std::string> missing;  // what the probes that do not hold yet saw
    bool over = false;
  };
  void ObserveWaits(std::function<void(const WaitNews&)> observer);

  // Which containment holds, that of the server started last: "cgroup v2, lineage and tag", or "lineage and tag" and
  // why there is no cgroup.
  [[nodiscard]] std::string containment() const;

 private:
  Run();
  ~Run();
  friend class Server;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace curfew
