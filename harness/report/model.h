// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <curfew/exit_status.h>
#include <curfew/leak.h>
#include <curfew/stop.h>

// What is known of runs once they are over, or as far as their journals got: plain data that every report is made
// from. Times are of the wall clock; what was not seen is absent, never zero. Texts hold any bytes: each renderer
// escapes for its own format.
namespace curfew::report {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Span = std::chrono::milliseconds;

enum class TestResult {
  kPassed,
  kFailed,
  kSkipped,
  kDisabled,
  kTimedOut,    // its deadline passed; also when it ended by itself afterwards, as a failed test
  kCrashed,     // the test program ended while it ran
  kUnfinished,  // it was running when the journal breaks off
  kNotRun,      // planned; the program ended before
};

[[nodiscard]] const char* Name(TestResult result);  // "passed", "timed_out", "not_run" ...
// Failed, timed out, crashed or unfinished.
[[nodiscard]] bool IsBad(TestResult result);

struct TestFailure {
  std::string message;
  std::string file;  // empty: unknown
  int line = 0;
};

// One test as it ran, or was to run. A repeated test has one record each time.
struct TestRecord {
  std::string name;  // "Suite.Test", with parameters as GoogleTest writes them
  std::string file;
  int line = 0;
  int iteration = 0;  // of --gtest_repeat, from 0
  TestResult result = TestResult::kNotRun;
  std::optional<Time> begin;
  std::optional<Span> duration;
  std::vector<TestFailure> failures;
  std::size_t failures_left_out = 0;
  std::string evidence;            // of its time-out: threads, trees, log tails
  std::vector<std::string> files;  // kept for it: logs of its servers

  [[nodiscard]] std::string suite() const { return name.substr(0, name.find('.')); }
  [[nodiscard]] std::string test() const {
    const auto dot = name.find('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
  }
};

// One life of a server: a restart begins another.
struct ServerRecord {
  std::string name;
  std::string test;  // that began it; empty: outside of any test
  pid_t warden = 0;
  pid_t pid = 0;  // of its leader; 0: never launched
  std::vector<std::string> command;
  std::vector<std::uint16_t> ports;
  std::string log;  // path of its output; gone with the run unless it was kept
  std::vector<std::string> log_tail;
  std::optional<Time> asked;     // its warden was started
  std::optional<Time> launched;  // executed
  std::optional<Time> ready;
  std::optional<Time> stopping;  // the first stop signal
  std::optional<Time> exited;    // its leader ended
  std::optional<Time> ended;     // nothing of its tree was left
  std::optional<ExitStatus> status;
  std::string cause;               // why it was stopped, if not by its test
  std::optional<StopResult> stop;  // who needed what
  bool warden_lost = false;        // killed from outside; the keeper reaped the tree
  std::vector<Survivor> survivors;

  // Something of it had to be killed.
  [[nodiscard]] bool killed() const;
};

struct LeakRecord {
  Leak leak;
  std::optional<Time> found;
  std::string exempted;  // by which reason it is none to fail for; empty: it is
};

// Something that is no process and was still there: a file of shared memory, a mount, somebody's listening port.
struct ResourceRecord {
  std::string text;  // kind, name, who holds it, how to remove it
  std::string test;  // that had ended when it was found, or "Suite", "the test program"; empty: the command
  std::optional<Time> found;
  bool fails = false;  // the run fails for it, and no test does
};

struct Note {
  std::optional<Time> time;
  std::string text;
};

struct Run {
  std::string id;
  std::string host;
  std::string directory;  // the working directory of the program
  pid_t pid = 0;
  std::vector<std::string> command;
  std::string containment;
  std::optional<Time> begin;
  std::optional<Time> end;
  std::string ending;              // why the run ended: "the test program has finished"
  bool complete = false;           // its keeper wrote to the end
  bool finished = false;           // its program told that all tests were through
  std::optional<ExitStatus> status;  // how the program or command ended, where the kernel still told
  bool is_command = false;         // of `curfew run`: there is no framework to tell that all went well, only its status
  std::string timed_out;           // why the command was stopped, if its time was over; empty: it was not
  std::string evidence;            // of that: what was running
  std::vector<std::string> troubles;  // what kept Curfew from its part: its guardian was killed, /proc is another's
  std::optional<StopResult> stop;  // of what the command left, or was stopped with
  std::string output;              // --gtest_output
  std::vector<TestRecord> tests;
  std::vector<ServerRecord> servers;
  std::vector<LeakRecord> leaks;
  std::vector<ResourceRecord> resources;
  std::vector<Note> notes;

  [[nodiscard]] std::size_t Count(TestResult result) const;
  // Leaks that are not exempted.
  [[nodiscard]] std::size_t LeaksToBlame() const;
  // The program or command came to its end, and with success; nothing of ours went wrong.
  [[nodiscard]] bool ended_well() const;
  // No bad test, no leak to blame, no resource that fails it, and it ended well.
  [[nodiscard]] bool clean() const;
};

struct RunReport {
  std::vector<Run> runs;
  std::vector<std::string> damage;  // what could not be read, in sentences that name the file

  [[nodiscard]] bool clean() const;
};

}  // namespace curfew::report
