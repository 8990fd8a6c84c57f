// SPDX-License-Identifier: Apache-2.0
#include "server/run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>

#include <curfew/start_error.h>

#include "leaks/exemption_file.h"
#include "leaks/machine.h"
#include "process/clock.h"
#include "process/mark.h"
#include "process/names.h"
#include "process/switches.h"
#include "procfs/system_proc.h"
#include "report/artifacts.h"
#include "report/encode.h"
#include "report/journal.h"
#include "report/model_json.h"
#include "report/read_journal.h"
#include "server/run_state.h"
#include "server/signal_handlers.h"

namespace curfew {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using process::Tag;

constexpr auto kAskTimeout = 10s;
constexpr auto kDefaultTestTimeout = 60s;
// Ending waits for every server's graces; this only bounds a keeper that has been stopped from outside.
constexpr auto kEndTimeout = 120s;

// The child in which a threadsafe death test runs its statement anew: it begins nothing of its own.
bool IsDeathTestChild() {
  const auto command = procfs::SystemProc().ReadCommand(::getpid());
  return std::ranges::any_of(command, [](const std::string& argument) {
    return argument.starts_with("--gtest_internal_run_death_test");
  });
}

std::string RandomRunId() {
  std::random_device random;
  char text[16];
  std::snprintf(text, sizeof text, "%06x%06x", random() & 0xffffffU, random() & 0xffffffU);
  return text;
}

// A program may be started with some of its standard descriptors closed. Ours would then take their numbers, and
// what the program prints would go to its keeper.
void FillStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // open(2) takes the lowest number that is free, which is this one.
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The keeper makes it: so there is none without somebody who will remove it.
std::filesystem::path RunDirectory(const std::string& id) {
  std::error_code error;
  const auto parent = std::filesystem::temp_directory_path(error);
  return (error ? "/tmp" : std::filesystem::absolute(parent)) / ("curfew-" + id);
}

leaks::Resources TakeResources() {
  return leaks::Resources::Take(procfs::SystemProc(), leaks::Resources::Places::OfThisProcess());
}

std::string JournalPath(const std::string& id, const std::filesystem::path& directory,
                        const report::ArtifactSettings& artifacts) {
  // Set by `curfew run`, which looks there at the end.
  const std::string journals = Variable("CURFEW_JOURNALS");
  const auto collected = journals.empty() ? std::filesystem::path() : std::filesystem::path(journals) / (id + ".jsonl");
  if (artifacts.directory.empty()) return (collected.empty() ? directory / "journal.jsonl" : collected).string();
  std::error_code ignored;  // a journal that cannot be opened is none; the run goes on
  std::filesystem::create_directories(artifacts.directory, ignored);
  const auto kept = std::filesystem::absolute(artifacts.directory) / ("curfew-" + id + ".jsonl");
  // One file for both readers, so that what is written last is in both when its writer is killed.
  if (!collected.empty()) std::filesystem::create_symlink(kept, collected, ignored);
  return kept.string();
}

}  // namespace

Run::Run() : state_(std::make_unique<State>()) {}
Run::~Run() = default;

Run& Run::Current() {
  // Never destroyed: servers in static storage may outlive any order of destruction. Ended at exit.
  static Run& run = *[] {
    std::atexit([] { Run::Current().End(); });
    return new Run();
  }();
  return run;
}

void Run::Begin() {
  const std::lock_guard lock(state_->mutex);
  State& state = *state_;
  if (state.owner != 0 || state.refused) return;
  if (IsDeathTestChild()) {
    state.refused = true;
    return;
  }
  state.owner = ::getpid();
  FillStandardDescriptors();
  if (!process::SwitchedOff("tag")) state.tag = Tag::ForNewRun(process::TagCeiling());
  if (state.tag && process::ApplyTag(*state.tag) != 0) state.tag.reset();
  state.id = state.tag ? state.tag->RunId() : RandomRunId();
  ::setenv(process::kMarkVariable, (state.id + "//").c_str(), 1);
  if (const auto self = process::Owner::OfSelf(procfs::SystemProc()))
    ::setenv(process::kOwnerVariable, self->ToString().c_str(), 1);
  state.checker.emplace(procfs::SystemProc(), state.id, state.tag, state.owner);
  const auto baseline = state.checker->TakeBaseline({}, {});
  for (const auto scope : {Scope::kProgram, Scope::kSuite, Scope::kTest}) state.baselines[scope] = baseline;
  const std::string file = Variable("CURFEW_SUPPRESSIONS");
  if (file.empty()) return;
  std::string wrong;
  for (const auto& error : leaks::ReadExemptions(file, state.file_exemptions))
    wrong += (wrong.empty() ? "" : "; ") + error;
  if (!wrong.empty()) throw std::invalid_argument("CURFEW_SUPPRESSIONS: " + wrong);
}

bool Run::active() const { return state_->owner == ::getpid(); }

const std::string& Run::id() const { return state_->id; }

std::string Run::containment() const {
  const std::lock_guard lock(state_->mutex);
  return state_->Containment();
}

unsigned Run::servers_started() const { return state_->servers_started; }

void Run::ObserveWaits(std::function<void(const WaitNews&)> observer) {
  const std::lock_guard lock(state_->mutex);
  state_->wait_observer = std::move(observer);
}

std::string Run::current_test() const {
  const std::lock_guard lock(state_->mutex);
  return state_->current_test;
}

std::vector<leaks::LiveServer> Run::State::LiveServers() const {
  std::vector<leaks::LiveServer> live;
  for (const auto* record : servers) {
    if (auto server = record->live()) live.push_back(std::move(*server));
  }
  return live;
}

void Run::State::EnsureKeeper() {
  if (keeper) return;
  directory = RunDirectory(id);
  if (!artifacts) artifacts = report::ArtifactsOfEnvironment();
  auto started = server::KeeperClient::Start({id, tag, directory.string(), JournalPath(id, directory, *artifacts)});
  if (!started.ok()) {
    const auto& failure = started.failure();
    throw StartError(StartError::kCouldNotLaunch,
                     "failed to start a server: could not start the keeper: " + failure.ToString() +
                         "; is TMPDIR right, and is there room?",
                     {.error_number = failure.error});
  }
  keeper = std::move(*started);
  server::InstallSignalHandlers(keeper->control_fd(), keeper->pidfd());
  TellProgram();
  AnnounceTest();
}

void Run::State::TellProgram() {
  const auto program = program_record ? program_record() : report::ProgramRecord{};
  json events = json::array();
  events.push_back({{"event", "program"}, {"output", program.output}, {"containment", Containment()}});
  json tests = json::array();
  // In parts: a journal that is cut short loses a part of a long list, not the whole.
  constexpr std::size_t kPart = 200;
  for (const auto& test : program.planned) {
    tests.push_back(report::EncodeTest(test));
    if (tests.size() < kPart) continue;
    events.push_back({{"event", "tests"}, {"tests", std::exchange(tests, json::array())}});
  }
  if (!tests.empty()) events.push_back({{"event", "tests"}, {"tests", std::move(tests)}});
  events.push_back({{"event", "iteration"}, {"iteration", program.iteration}});
  for (const auto& test : program.finished) {
    events.push_back(report::EncodeTest(test));
    events.back()["event"] = "test_end";
  }
  keeper->Tell({{"op", "program"},
                {"output", program.output},
                {"directory", artifacts->directory},
                {"keep", static_cast<int>(artifacts->keep)},
                {"journal", std::move(events)}});
}

void Run::State::Tell(const json& message) {
  if (keeper) keeper->Tell(message);
}

std::string Run::State::Containment() const {
  const std::string always = tag ? "lineage and tag" : "lineage and mark";
  if (!containment.empty() && containment != "basic") return containment + ", " + always;
  return always + (why_no_cgroup.empty() ? "" : " (no cgroup: " + why_no_cgroup + ")");
}

void Run::State::AnnounceTest() {
  if (!keeper || !unannounced_test) return;
  const auto& [test, timeout] = *unannounced_test;
  const auto passed = std::chrono::steady_clock::now() - test_began;
  const Duration scaled = process::Scaled(timeout.value_or(kDefaultTestTimeout));
  static_cast<void>(Ask({{"op", "test_begins"},
                         {"test", test},
                         {"timeout_ns", scaled.count()},
                         {"passed_ns", Duration(passed).count()},
                         {"explicit", timeout.has_value()}},
                        kAskTimeout));
  unannounced_test.reset();
}

std::optional<json> Run::State::Ask(const json& request, Duration timeout) {
  if (!keeper) return std::nullopt;
  auto answer = keeper->Ask(request, process::Scaled(timeout));
  if (!answer.ok()) return std::nullopt;
  return std::move(*answer);
}

void Run::State::Exempt(std::vector<Leak>& leaks) {
  for (auto* exemptions : {&test_exemptions, &program_exemptions, &file_exemptions}) exemptions->Apply(leaks);
  json spared = json::array();
  for (auto& leak : leaks) {
    if (leak.exempted.empty()) continue;
    leak.why_alive = "left alone, since it is exempted";
    spared.push_back(leak.process.pid);
  }
  if (!spared.empty()) static_cast<void>(Ask({{"op", "spare"}, {"pids", std::move(spared)}}, kAskTimeout));
}

std::optional<std::string> Run::Exempt(const IgnoreLeaks& exemption, ExemptFor whom) {
  const std::lock_guard lock(state_->mutex);
  auto& exemptions = whom == ExemptFor::kTest ? state_->test_exemptions : state_->program_exemptions;
  return exemptions.Add(exemption, whom == ExemptFor::kTest ? "AddLeakExemptionForThisTest" : "AddLeakExemption");
}

std::vector<std::string> Run::UnusedExemptions() const {
  const std::lock_guard lock(state_->mutex);
  return state_->program_exemptions.Unused();
}

std::vector<std::string> Run::EarlierOrphans() const {
  constexpr std::size_t kMost = 5;
  std::vector<std::string> lines;
  for (const auto& run : leaks::Machine(procfs::SystemProc(), leaks::Machine::Witness::kTags).DeadRuns()) {
    if (run.id == state_->id || run.processes.empty() || lines.size() == kMost) continue;
    const auto first = procfs::SystemProc().Describe(run.processes.front().process.pid);
    if (!first) continue;
    lines.push_back(std::to_string(run.processes.size()) + (run.processes.size() == 1 ? " process" : " processes") +
                    " of run " + run.id + ", which is over: " + std::to_string(first->pid) + ' ' +
                    first->CommandLine(80));
  }
  return lines;
}

void AddLeakExemption(const IgnoreLeaks& exemption) {
  if (const auto wrong = Run::Current().Exempt(exemption, Run::ExemptFor::kProgram))
    throw std::invalid_argument(*wrong);
}

void AddLeakExemptionForThisTest(const IgnoreLeaks& exemption) {
  if (const auto wrong = Run::Current().Exempt(exemption, Run::ExemptFor::kTest)) throw std::invalid_argument(*wrong);
}

void Run::State::Note(json event) {
  if (keeper) {
    Tell({{"op", "note"}, {"journal", std::move(event)}});
    return;
  }
  NoteAside(event);
}

void Run::State::NoteAside(json event) const {
  // Without a keeper only `curfew run` has somebody to read it. Not the keeper's file, which begins with its own word;
  // opened for this one line, since no descriptor is to be held.
  const std::string journals = Variable("CURFEW_JOURNALS");
  if (journals.empty()) return;
  const auto path = std::filesystem::path(journals) / (id + ".notes");
  std::error_code error;
  const bool begun = std::filesystem::exists(path, error);
  report::Journal journal(path);
  if (!begun) {
    journal.Write({{"event", "run_begin"},
                   {"schema", report::kJournalSchema},
                   {"run", id},
                   {"pid", owner},
                   {"command", procfs::SystemProc().ReadCommand(owner)}});
  }
  journal.Write(std::move(event));
}

void Run::TestBegins(const std::string& name, std::optional<Duration> timeout) {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  state_->current_test = name;
  state_->test_began = std::chrono::steady_clock::now();
  state_->unannounced_test.emplace(name, timeout);
  if (!state_->keeper) state_->NoteAside({{"event", "test_begin"}, {"test", name}});
  // A test that was given a timeout of its own is timed without a server, too.
  if (timeout && *timeout > Duration::zero()) {
    try {
      state_->EnsureKeeper();
    } catch (const StartError&) {
      // The first server of this test will say why.
    }
  }
  state_->AnnounceTest();
}

void Run::SetTestTimeout(Duration timeout) {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  if (state_->current_test.empty()) throw std::logic_error("SetTestTimeout: no test is running");
  if (timeout < Duration::zero()) throw std::logic_error("SetTestTimeout: a negative timeout");
  if (state_->unannounced_test) {
    state_->unannounced_test->second = timeout;
    if (timeout > Duration::zero()) state_->EnsureKeeper();
    return;
  }
  const Duration scaled = process::Scaled(timeout);
  static_cast<void>(state_->Ask({{"op", "test_timeout"}, {"timeout_ns", scaled.count()}}, kAskTimeout));
}

std::optional<std::string> Run::TestEnds() {
  if (!active()) return std::nullopt;
  const std::lock_guard lock(state_->mutex);
  state_->current_test.clear();
  state_->unannounced_test.reset();
  const auto answer = state_->Ask({{"op", "test_ends"}}, kAskTimeout);
  if (answer && answer->contains("timed_out")) return answer->at("timed_out").get<std::string>();
  if (!answer && state_->keeper && !std::exchange(state_->loss_told, true)) {
    return "the keeper of this run (pid " + std::to_string(state_->keeper->pid()) +
           ") is gone or does not answer: it was killed or stopped from outside; from here on there is no deadline, "
           "and "
           "servers cannot be started";
  }
  return std::nullopt;
}

void Run::SetProgram(const report::ArtifactSettings& settings, std::function<report::ProgramRecord()> record) {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  state_->artifacts = settings;
  state_->program_record = std::move(record);
}

void Run::IterationBegins(int iteration) {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  state_->Tell({{"op", "iteration"}, {"iteration", iteration}});
}

std::vector<std::string> Run::TestResult(const report::TestRecord& test) {
  if (!active()) return {};
  const std::lock_guard lock(state_->mutex);
  const auto answer = state_->Ask(
      {{"op", "test_result"}, {"test", report::EncodeTest(test)}, {"bad", report::IsBad(test.result)}}, kAskTimeout);
  return answer ? answer->at("kept").get<std::vector<std::string>>() : std::vector<std::string>();
}

void Run::ProgramEnds() {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  state_->Tell({{"op", "program_end"}});
}

std::vector<std::string> Run::TakeUnexpectedDeaths() {
  if (!active()) return {};
  const std::lock_guard lock(state_->mutex);
  auto deaths = std::exchange(state_->deaths, {});
  for (auto* record : state_->servers) {
    if (auto death = record->TakeUnexpectedDeath()) deaths.push_back(std::move(*death));
  }
  return deaths;
}

void Run::TakeBaseline(Scope scope) {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  auto& baselines = state_->baselines;
  baselines[scope] = state_->checker->TakeBaseline(state_->LiveServers(), baselines[Scope::kTest]);
  if (state_->watches_resources) state_->resources[scope] = TakeResources();
}

void Run::WatchResources() {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  state_->watches_resources = true;
}

std::vector<leaks::Resource> Run::CheckForResources(Scope scope, const std::string& blame) {
  if (!active()) return {};
  const std::lock_guard lock(state_->mutex);
  if (!state_->watches_resources) return {};
  auto now = TakeResources();
  auto left = now.LeftSince(state_->resources[scope], procfs::SystemProc());
  std::erase_if(left, [this](const leaks::Resource& each) { return !state_->told_resources.insert(each.id).second; });
  for (const auto& resource : left) {
    state_->Note({{"event", "resource"}, {"text", resource.ToString()}, {"test", blame}, {"fails", false}});
  }
  // Tests look at what has appeared since the test before.
  state_->resources[scope] = std::move(now);
  return left;
}

std::vector<Leak> Run::CheckForLeaks(Scope scope, const std::string& blame) {
  if (!active()) return {};
  const std::lock_guard lock(state_->mutex);
  const auto servers = state_->LiveServers();
  auto leaks = std::exchange(state_->pending_leaks, {});
  // Until nothing new shows up: what a leaked process begins while it is being reaped is leaked as well.
  for (int round = 0; round < 10; ++round) {
    auto found = state_->checker->Find(state_->baselines[scope], servers);
    std::erase_if(found, [this](const Leak& leak) {
      return !state_->reported.emplace(leak.process.pid, leak.process.start_ticks).second;
    });
    if (found.empty()) break;
    state_->Exempt(found);
    state_->checker->Reap(found, servers);
    leaks.insert(leaks.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  for (auto& leak : leaks) {
    if (leak.test.empty()) leak.test = blame;
    state_->Note({{"event", "leak"}, {"leak", leak}, {"exempted", leak.exempted}});
  }
  if (scope == Scope::kTest) state_->test_exemptions = {};
  return leaks;
}

void Run::End() {
  if (!active()) return;
  const std::lock_guard lock(state_->mutex);
  if (!state_->keeper) return;
  state_->keeper->Wake();
  if (state_->Ask({{"op", "end"}}, kEndTimeout)) {
    // Its answer is its last word, but only its end is the end: whoever looks now must not meet it.
    static_cast<void>(state_->keeper->AwaitEnd(process::Scaled(kAskTimeout)));
  }
  server::RemoveSignalHandlers();
  // The keeper has removed it, unless it was killed.
  std::error_code ignored;
  std::filesystem::remove_all(state_->directory, ignored);
  state_->keeper.reset();
  state_->directory.clear();
}

}  // namespace curfew
