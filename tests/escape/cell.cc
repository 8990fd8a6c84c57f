// SPDX-License-Identifier: Apache-2.0
#include "cell.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "process/pidfd.h"
#include "processes.h"
#include "program.h"
#include "stranger.h"
#include "world.h"

namespace curfew::escape {
namespace {

namespace fs = std::filesystem;
using testing_support::Eventually;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;

constexpr std::chrono::seconds kStartPatience{100};

std::string DescribeStatus(int status) {
  if (WIFEXITED(status)) return "exit " + std::to_string(WEXITSTATUS(status));
  return "signal " + std::to_string(WTERMSIG(status));
}

bool UserNamespacesAllowed() {
  static const bool allowed = [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
    int status = 1;
    ::waitpid(child, &status, 0);
    return status == 0;
  }();
  return allowed;
}

// Whether root here is more than the only user of a namespace.
bool CanBecomeOthers() {
  static const bool can = [] {
    if (::geteuid() != 0) return false;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::setresuid(65534, 65534, 65534) == 0 ? 0 : 1);
    int status = 1;
    ::waitpid(child, &status, 0);
    return status == 0;
  }();
  return can;
}

class Cell {
 public:
  Cell(const Row& row, const Column& column, const CellOptions& options)
      : row_(row),
        column_(column),
        options_(options),
        markers_(MakeMarkers(directory_.path(), row.programs)),
        cgroup_(World::MakeCgroup()),
        world_(markers_, cgroup_) {}
  ~Cell() {
    std::set<pid_t> strangers = Strangers();
    programs_.clear();
    world_.EndAll(strangers);
    static_cast<void>(world_.Descendants(strangers));
    world_.RemoveCgroup();
  }
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  Outcome Run() {
    if (!CanRun()) return outcome_;
    strangers_.push_back(std::make_unique<Stranger>(
        std::vector<std::string>{ESCAPE_HOSTILE, std::string(column_.name), "--port", "0"}, 0));
    for (int index = 0; index < row_.programs; ++index) StartProgram(index);
    if (!row_.servers || AwaitUp()) {
      if (row_.servers) MeetStrangers();
      Play();
      AwaitEnds();
    }
    AwaitNothing();
    CheckStrangers();
    for (auto& program : programs_) outcome_.output += program->output();
    return outcome_;
  }

 private:
  // One for each program, since it is the budget of one server, too.
  static std::vector<std::string> MakeMarkers(const std::string& directory, int count) {
    std::vector<std::string> markers;
    for (int i = 0; i < count; ++i) {
      markers.push_back(directory + "/marker." + std::to_string(i));
      std::ofstream(markers.back()) << "";
      fs::resize_file(markers.back(), 4096);
      ::chmod(markers.back().c_str(), 0666);  // for servers that become somebody else
    }
    return markers;
  }
  [[nodiscard]] std::string In(const std::string& name) const { return directory_.path() + "/" + name; }
  void Say(const std::string& name) const { std::ofstream(In(name)) << "\n"; }
  void Fail(const std::string& text) { outcome_.failures.push_back(text); }

  // As Eventually, while the programs can write.
  bool Soon(const std::function<bool()>& condition, std::chrono::seconds limit) {
    return Eventually(
        [&] {
          for (auto& program : programs_) program->Pump();
          return condition();
        },
        limit);
  }

  bool CanRun() {
    using Needs = Column::Needs;
    if (column_.needs == Needs::kRoot && !CanBecomeOthers()) outcome_.skipped = "needs root";
    if (column_.needs == Needs::kCgroup && cgroup_.empty()) outcome_.skipped = "needs a writable cgroup v2";
    if (column_.needs == Needs::kUserNamespace && !UserNamespacesAllowed())
      outcome_.skipped = "user namespaces are not allowed";
    return outcome_.skipped.empty();
  }

  void StartProgram(int index) {
    Program::Launch launch;
    launch.under = row_.under;
    launch.argv = {ESCAPE_ENDS, "--gtest_filter=" + std::string(row_.test)};
    launch.argv.insert(launch.argv.end(), row_.arguments.begin(), row_.arguments.end());
    launch.variables = {{"ESCAPE_DIR", directory_.path()},
                        {"ESCAPE_COLUMN", std::string(column_.name)},
                        {"ESCAPE_MARKER", markers_.at(static_cast<std::size_t>(index))},
                        {"ESCAPE_CGROUP", cgroup_},
                        {"TMPDIR", directory_.path()},
                        {"CURFEW_LEAKS", "warn"},
                        {"CURFEW_GDB", "off"}};  // seconds of a processor for each time-out; meta_timeouts_test has it
    if (!options_.disabled.empty()) launch.variables["CURFEW_TEST_DISABLE"] = options_.disabled;
    if (!options_.containment.empty()) launch.variables["CURFEW_CONTAINMENT"] = options_.containment;
    if (row_.programs > 1) {
      launch.variables["GTEST_TOTAL_SHARDS"] = std::to_string(row_.programs);
      launch.variables["GTEST_SHARD_INDEX"] = std::to_string(index);
    }
    launch.cgroup = cgroup_;
    launch.directory = directory_.path();
    launch.ctest_times_out = row_.play == Play::kAwaitCtest;
    programs_.push_back(std::make_unique<Program>(launch));
  }

  // The numbers of the test programs that have said that they are up, with the ports of their servers.
  [[nodiscard]] std::map<pid_t, int> Up() const {
    std::map<pid_t, int> up;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("up.") || name.ends_with("~")) continue;
      std::ifstream(entry.path()) >> up[std::stoi(name.substr(3))];
    }
    return up;
  }

  bool AwaitUp() {
    const auto programs = static_cast<std::size_t>(row_.programs);
    bool ended = false;
    const bool up = Soon(
        [&] {
          for (auto& program : programs_) ended = ended || program->Status().has_value();
          return ended || Up().size() == programs;
        },
        kStartPatience);
    if (!up || ended) {
      Fail("its server was never up");
      return false;
    }
    // By a means of its own, that what is to escape is there. A chain or a bomb is never seen whole.
    const std::size_t expected = programs * column_.processes;
    std::size_t seen = 0;
    if (!Soon([&] { return (seen = world_.MarkerHolders().size()) >= expected; }, std::chrono::seconds(20))) {
      Fail("only " + std::to_string(seen) + " processes of the server were up, not " + std::to_string(expected));
    }
    return true;
  }

  void MeetStrangers() {
    const int port = Up().begin()->second;
    const std::vector<std::string> argv = {ESCAPE_HOSTILE, std::string(column_.name), "--port", std::to_string(port)};
    strangers_.push_back(std::make_unique<Stranger>(argv, 0));
    // As its neighbour in a pipeline. Where signals go to the whole group it would be none.
    if (row_.under == Under::kShell) strangers_.push_back(std::make_unique<Stranger>(argv, programs_.front()->pid()));
  }

  [[nodiscard]] std::set<pid_t> Strangers() const {
    std::set<pid_t> pids;
    for (const auto& stranger : strangers_) pids.insert(stranger->pid());
    return pids;
  }

  // What is ours below the driver, except for what the driver itself has started.
  [[nodiscard]] std::vector<Process> Left() const {
    std::set<pid_t> except = Strangers();
    std::set<pid_t> own;
    for (const auto& program : programs_) {
      if (program->pid() == 0) continue;
      own.insert(program->pid());
      if (row_.under == Under::kTerminal || !program_counts_) except.insert(program->pid());
    }
    return world_.Descendants(except, own);
  }

  void KillNamed(const std::string& name) {
    const auto named = [&] {
      auto processes = Left();
      std::erase_if(processes, [&name](const Process& process) { return process.name != name || process.zombie(); });
      return processes;
    };
    // One that struck at itself first may be gone.
    for (const auto& process : named()) {
      auto pidfd = process::Pidfd::Open(process.pid);
      const auto again = named();  // now that it is pinned
      const bool same = std::ranges::any_of(again, [&](const Process& other) {
        return other.pid == process.pid && other.start_ticks == process.start_ticks;
      });
      if (pidfd.ok() && same) static_cast<void>(pidfd->Signal(SIGKILL));
    }
  }

  void AwaitServersGone(const char* when) {
    if (column_.strikes) return;  // it may have taken its warden away from its keeper: the test's end settles it
    if (Soon([this] { return world_.MarkerHolders().empty(); }, options_.patience)) return;
    outcome_.survivors.push_back(std::string(when) + ": " + escape::Describe(world_.MarkerHolders()));
  }

  void Play() {
    Say("strike");
    Program& program = *programs_.front();
    switch (row_.play) {
      case Play::kLetGo:
        break;
      case Play::kSignal:
        program.Signal(row_.signal);
        return;
      case Play::kKillKeeper:
        KillNamed("curfew-keeper");
        AwaitServersGone("its keeper was killed");
        break;
      case Play::kKillWarden:
        KillNamed("curfew-warden");
        AwaitServersGone("its warden was killed");
        break;
      case Play::kKillKeeperAndProgram:
        program.Signal(SIGSTOP);  // so that it cannot act between the two
        KillNamed("curfew-keeper");
        program.Signal(SIGKILL);
        return;
      case Play::kKillWardenAndProgram:
        program.Signal(SIGSTOP);
        KillNamed("curfew-warden");
        program.Signal(SIGKILL);
        return;
      case Play::kStopThenKill:
        program.Signal(SIGSTOP);
        if (!Soon([&] { return StateOf(program.pid()) == 'T'; }, options_.patience)) Fail("it did not stop");
        program.Signal(SIGKILL);
        return;
      case Play::kCtrlC:
        program.PressCtrlC();
        return;
      case Play::kCtrlCTwice: {
        program.PressCtrlC();
        const pid_t job = Up().begin()->first;
        // The handler resets itself: from then on the next one ends the program.
        if (!Soon([&] { return !Catches(job, SIGINT); }, options_.patience)) Fail("Ctrl-C was not taken");
        program.PressCtrlC();
        return;
      }
      case Play::kKillCtest:
        program.Signal(SIGKILL);
        break;
      case Play::kExpireTimeout:
        program.Signal(SIGALRM);
        return;  // as its own timer does
      case Play::kAwaitCtest:
        break;
      case Play::kLetGoAfterServers:
        Say("go");
        program_counts_ = false;
        if (!Soon([this] { return Left().empty(); }, options_.patience)) {
          outcome_.survivors.push_back("the program replaced itself: " + escape::Describe(Left()));
        }
        program_counts_ = true;
        Say("gone");
        return;
    }
    Say("go");
  }

  [[nodiscard]] static char StateOf(pid_t pid) {
    const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = stat.rfind(')');
    return name_end == std::string::npos ? '?' : stat[name_end + 2];
  }

  [[nodiscard]] static bool Catches(pid_t pid, int signal) {
    const auto status = ReadFile("/proc/" + std::to_string(pid) + "/status");
    const auto caught = status.find("SigCgt:");
    if (caught == std::string::npos) return false;
    return (std::strtoull(status.c_str() + caught + 7, nullptr, 16) >> (signal - 1) & 1U) != 0;
  }

  void AwaitEnds() {
    for (auto& program : programs_) {
      if (!Soon([&] { return program->Status().has_value(); }, kStartPatience)) {
        Fail("the program did not end");
        continue;
      }
      const int status = *program->Status();
      auto allowed = row_.ends;
      // Whether its test has seen that its server was struck is a race.
      if (column_.strikes && !allowed.empty() && allowed.front() == 0) allowed.push_back(1 << 8);
      if (!allowed.empty() && std::ranges::find(allowed, status & 0xff7f) == allowed.end()) {
        Fail("the program ended with " + DescribeStatus(status));
      }
    }
  }

  // With the end of the journal, which tells how far its keeper came.
  static std::string Contents(const fs::path& directory) {
    std::string text;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
      text += entry.path().lexically_relative(directory).string() + ' ';
      if (entry.path().extension() != ".jsonl") continue;
      const std::string journal = ReadFile(entry.path());
      text += "(... " + journal.substr(journal.size() - std::min<std::size_t>(journal.size(), 600)) + ") ";
    }
    return text;
  }

  void AwaitNothing() {
    const bool none = Soon([this] { return Left().empty(); }, options_.patience);
    if (!none) {
      const auto left = Left();
      outcome_.survivors.push_back("below the driver: " + escape::Describe(left) + "in " + directory_.path() +
                                   escape::Examine(left));
    }
    const auto holders = world_.MarkerHolders();
    if (!holders.empty()) outcome_.survivors.push_back("with the marker: " + escape::Describe(holders));
    const auto inside = world_.InCgroup();
    if (!inside.empty()) outcome_.survivors.push_back("in the cgroup: " + escape::Describe(inside));
    if (!none) TellHowLong();
    if (!none || !outcome_.failures.empty()) return;
    const bool keeper_and_program = row_.play == Play::kKillKeeperAndProgram;
    if (const auto forgotten = world_.ForgottenCgroups(); !forgotten.empty() && !keeper_and_program) {
      Fail("a cgroup was left: " + forgotten.front());
    }
    for (auto& program : programs_) {
      if (row_.under == Under::kTerminal) continue;  // its shell holds the terminal
      if (!Soon([&] { return program->OutputEnded(); }, options_.patience)) Fail("somebody holds the program's output");
    }
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      // Its keeper would have removed it; with both killed at one time nobody does.
      if (entry.path().filename().string().starts_with("curfew-") && !keeper_and_program)
        Fail("a run's directory was left: " + world_.KeeperEnds() + Contents(entry.path()));
    }
    if (column_.name == "SlowStop" && row_.servers && row_.grace && !fs::exists(In("clean"))) {
      Fail("the server did not get its time to stop");
    }
  }

  // A survivor that goes late is another defect than one that stays.
  void TellHowLong() {
    const auto began = std::chrono::steady_clock::now();
    const bool gone = Soon([this] { return Left().empty(); }, options_.patience);
    const auto waited = std::chrono::steady_clock::now() - began;
    outcome_.survivors.push_back((gone ? "all gone after another " : "still there after another ") +
                                 std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(waited).count()) +
                                 " ms");
  }

  void CheckStrangers() {
    for (const auto& stranger : strangers_) {
      const std::string harm = stranger->Harm();
      if (!harm.empty()) outcome_.harmed.push_back("stranger " + std::to_string(stranger->pid()) + " " + harm);
    }
  }

  const Row& row_;
  const Column& column_;
  const CellOptions& options_;
  TemporaryDirectory directory_;
  std::vector<std::string> markers_;
  std::string cgroup_;
  World world_;
  std::vector<std::unique_ptr<Program>> programs_;
  std::vector<std::unique_ptr<Stranger>> strangers_;
  bool program_counts_ = true;
  Outcome outcome_;
};

void Append(std::string& text, const char* what, const std::vector<std::string>& lines) {
  for (const auto& line : lines) text += std::string("  ") + what + ": " + line + "\n";
}

}  // namespace

char Outcome::Letter() const {
  if (!skipped.empty()) return '-';
  if (!harmed.empty()) return 'H';
  if (!survivors.empty()) return 'S';
  return failures.empty() ? '.' : 'F';
}

std::string Outcome::ToString() const {
  std::string text;
  Append(text, "survived", survivors);
  Append(text, "harmed", harmed);
  Append(text, "failed", failures);
  if (!output.empty()) text += "  output of the program:\n" + output;
  return text;
}

Outcome RunCell(const Row& row, const Column& column, const CellOptions& options) {
  World::BecomeSubreaper();
  Cell cell(row, column, options);
  return cell.Run();
}

CellOptions OptionsFromEnvironment() {
  CellOptions options;
  if (const char* off = std::getenv("ESCAPE_OFF")) options.disabled = off;
  if (const char* containment = std::getenv("ESCAPE_CONTAINMENT")) options.containment = containment;
  if (const char* patience = std::getenv("ESCAPE_PATIENCE"))
    options.patience = std::chrono::seconds(std::atoi(patience));
  return options;
}

}  // namespace curfew::escape
