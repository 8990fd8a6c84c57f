// SPDX-License-Identifier: Apache-2.0
#include "report/read_journal.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "report/decode.h"
#include "report/model_json.h"

namespace curfew::report {
namespace {

using nlohmann::json;

// One run while its events come in. Every handler takes all it needs out of the event before it changes anything:
// one that throws has changed nothing.
class RunReader {
 public:
  explicit RunReader(Run& run) : run_(run) {}

  void Apply(const json& event) {
    using Handler = void (RunReader::*)(const json&);
    static const std::map<std::string, Handler> handlers = {
        {"run_begin", &RunReader::OnRunBegin},   {"run_end", &RunReader::OnRunEnd},
        {"program", &RunReader::OnProgram},      {"tests", &RunReader::OnTests},
        {"iteration", &RunReader::OnIteration},  {"program_end", &RunReader::OnProgramEnd},
        {"owner_end", &RunReader::OnOwnerEnd},   {"test_begin", &RunReader::OnTestBegin},
        {"test_end", &RunReader::OnTestEnd},     {"test_timeout", &RunReader::OnTimeOut},
        {"server", &RunReader::OnServer},        {"launched", &RunReader::OnLaunched},
        {"ready", &RunReader::OnReady},          {"exited", &RunReader::OnExited},
        {"stopped", &RunReader::OnStopped},      {"warden_lost", &RunReader::OnWardenLost},
        {"kept", &RunReader::OnKept},            {"leak", &RunReader::OnLeak},
        {"strays", &RunReader::OnStrays},        {"resource", &RunReader::OnResource},
        {"command_launched", &RunReader::OnCommand}, {"run_timeout", &RunReader::OnRunTimeOut},
        {"run_stopped", &RunReader::OnRunStopped},   {"trouble", &RunReader::OnTrouble},
        {"note", &RunReader::OnNote}};
    const auto handler = handlers.find(Text(event, "event"));
    if (handler == handlers.end()) return;  // of a later schema
    time_ = ReadTime(event, "time_ms");
    (this->*handler->second)(event);
  }

  // Nothing more will come.
  void Finish();

 private:
  void OnRunBegin(const json& event);
  void OnRunEnd(const json& event);
  void OnProgram(const json& event);
  void OnTests(const json& event);
  void OnIteration(const json& event);
  void OnProgramEnd(const json&) { run_.finished = true; }
  void OnOwnerEnd(const json& event) { run_.status = ReadStatus(event, "status"); }
  void OnTestBegin(const json& event);
  void OnTestEnd(const json& event);
  void OnTimeOut(const json& event);
  void OnServer(const json& event);
  void OnLaunched(const json& event);
  void OnReady(const json& event);
  void OnExited(const json& event);
  void OnStopped(const json& event);
  void OnWardenLost(const json& event);
  void OnKept(const json& event);
  void OnLeak(const json& event);
  void OnStrays(const json& event);
  void OnResource(const json& event) {
    run_.resources.push_back({Text(event, "text"), Text(event, "test"), time_, Flag(event, "fails")});
  }
  void OnCommand(const json&) { run_.is_command = true; }
  void OnRunTimeOut(const json& event);
  void OnRunStopped(const json& event);
  void OnTrouble(const json& event) { run_.troubles.push_back(Text(event, "text")); }
  void OnNote(const json& event) { run_.notes.push_back({time_, Text(event, "text")}); }

  TestRecord* RunningTest() { return running_ ? &run_.tests[*running_] : nullptr; }
  // The latest life of the server whose warden this is.
  ServerRecord* Server(const json& event);
  void AddLeak(Leak leak, const std::string& exempted);

  Run& run_;
  std::optional<Time> time_;
  int iteration_ = 0;
  std::vector<TestRecord> plan_;
  std::map<std::string, std::size_t> planned_;      // index in plan_
  std::optional<std::size_t> running_;              // index in tests
  std::map<pid_t, std::size_t> lives_;              // by warden, index in servers
  std::map<std::pair<pid_t, std::uint64_t>, std::size_t> leaks_;  // by identity
};

void RunReader::OnRunBegin(const json& event) {
  Run read;
  read.id = Text(event, "run");
  read.host = Text(event, "host");
  read.directory = Text(event, "cwd");
  read.pid = ProcessId(event, "pid");
  read.command = Texts(event, "command");
  read.begin = time_;
  run_ = std::move(read);
}

void RunReader::OnRunEnd(const json& event) {
  run_.ending = Text(event, "why");
  run_.end = time_;
  run_.complete = true;
}

void RunReader::OnProgram(const json& event) {
  auto output = Text(event, "output");
  run_.containment = Text(event, "containment");
  run_.output = std::move(output);
}

void RunReader::OnTests(const json& event) {
  std::vector<TestRecord> tests;
  if (event.contains("tests")) {
    if (!event.at("tests").is_array()) throw std::runtime_error("bad value of tests");
    for (const auto& entry : event.at("tests")) tests.push_back(DecodeTest(entry));
  }
  for (auto& test : tests) {
    if (planned_.emplace(test.name, plan_.size()).second) plan_.push_back(std::move(test));
  }
}

void RunReader::OnIteration(const json& event) {
  iteration_ = static_cast<int>(Integer(event, "iteration", 0, std::numeric_limits<int>::max()));
}

void RunReader::OnTestBegin(const json& event) {
  TestRecord test;
  test.name = Text(event, "test");
  test.begin = event.contains("begin_ms") ? ReadTime(event, "begin_ms") : time_;
  test.iteration = iteration_;
  test.result = TestResult::kUnfinished;
  if (const auto planned = planned_.find(test.name); planned != planned_.end()) {
    test.file = plan_[planned->second].file;
    test.line = plan_[planned->second].line;
  }
  running_ = run_.tests.size();
  run_.tests.push_back(std::move(test));
}

void RunReader::OnTestEnd(const json& event) {
  auto ended = DecodeTest(event);
  ended.iteration = iteration_;
  if (RunningTest() != nullptr && RunningTest()->name == ended.name) {
    auto& test = *RunningTest();
    if (!ended.begin) ended.begin = test.begin;
    ended.evidence = std::move(test.evidence);
    ended.files.insert(ended.files.end(), test.files.begin(), test.files.end());
    if (!ended.evidence.empty()) ended.result = TestResult::kTimedOut;
    test = std::move(ended);
  } else {
    // It had run before there was a keeper to tell.
    run_.tests.push_back(std::move(ended));
  }
  running_.reset();
}

void RunReader::OnTimeOut(const json& event) {
  auto evidence = Text(event, "evidence");
  const auto name = Text(event, "test");
  if (RunningTest() == nullptr || RunningTest()->name != name) {
    run_.notes.push_back({time_, std::move(evidence)});
    return;
  }
  RunningTest()->result = TestResult::kTimedOut;
  RunningTest()->evidence = std::move(evidence);
}

void RunReader::OnRunTimeOut(const json& event) {
  auto why = Text(event, "why");
  auto evidence = Text(event, "evidence");
  run_.is_command = true;
  // Journals of earlier versions do not say how long the time was.
  run_.timed_out = why.empty() ? "was still running after its timeout" : std::move(why);
  run_.evidence = std::move(evidence);
}

void RunReader::OnRunStopped(const json& event) {
  if (!event.contains("result")) throw std::runtime_error("no result");
  auto stop = ReadStop(event.at("result"));
  auto cause = Text(event, "cause");
  run_.is_command = true;
  if (!run_.status) run_.status = stop.leader;
  run_.stop = std::move(stop);
  if (!cause.empty() && run_.timed_out.empty()) run_.troubles.push_back(std::move(cause));
}

void RunReader::OnServer(const json& event) {
  ServerRecord server;
  server.name = Text(event, "server");
  server.test = Text(event, "test");
  server.warden = ProcessId(event, "warden");
  server.log = Text(event, "log");
  server.asked = time_;
  const bool in_cgroup = Text(event, "containment").starts_with("cgroup");
  if (in_cgroup && !run_.containment.starts_with("cgroup")) run_.containment.insert(0, "cgroup v2, ");
  lives_[server.warden] = run_.servers.size();
  run_.servers.push_back(std::move(server));
}

ServerRecord* RunReader::Server(const json& event) {
  const auto life = lives_.find(ProcessId(event, "warden"));
  return life == lives_.end() ? nullptr : &run_.servers[life->second];
}

void RunReader::OnLaunched(const json& event) {
  auto command = Texts(event, "argv");
  const auto pid = ProcessId(event, "pid");
  if (auto* server = Server(event)) {
    server->pid = pid;
    server->command = std::move(command);
    server->launched = time_;
  }
}

void RunReader::OnReady(const json& event) {
  auto ports = Ports(event, "ports");
  if (auto* server = Server(event)) {
    server->ready = time_;
    server->ports = std::move(ports);
  }
}

void RunReader::OnExited(const json& event) {
  const auto status = ReadStatus(event, "status");
  if (auto* server = Server(event)) {
    server->exited = time_;
    server->status = status;
  }
}

void RunReader::OnStopped(const json& event) {
  if (!event.contains("result")) throw std::runtime_error("no result");
  auto stop = ReadStop(event.at("result"));
  auto cause = Text(event, "cause");
  auto tail = Texts(event, "log_tail");
  auto* server = Server(event);
  if (server == nullptr) return;
  server->ended = time_;
  if (time_) {
    const auto took = std::min<Span>(std::chrono::duration_cast<Span>(stop.took), time_->time_since_epoch());
    server->stopping = *time_ - took;
  }
  server->cause = std::move(cause);
  server->log_tail = std::move(tail);
  if (!server->status) server->status = stop.leader;
  server->survivors = stop.survivors;
  for (auto orphan : stop.orphans) {
    orphan.server = server->name;
    orphan.test = server->test;
    // The warden tells how it found them; it goes on to end them, and names whom it could not.
    const auto survived = std::ranges::find(stop.survivors, orphan.process.pid,
                                            [](const Survivor& survivor) { return survivor.process.pid; });
    orphan.reaped = survived == stop.survivors.end();
    if (!orphan.reaped) orphan.why_alive = survived->reason;
    AddLeak(std::move(orphan), "");
  }
  server->stop = std::move(stop);
}

void RunReader::OnWardenLost(const json& event) {
  auto survivors = ReadSurvivors(event);
  auto tail = Texts(event, "log_tail");
  if (auto* server = Server(event)) {
    server->warden_lost = true;
    server->log_tail = std::move(tail);
    server->ended = time_;
    server->survivors = std::move(survivors);
  }
}

void RunReader::OnKept(const json& event) {
  const auto name = Text(event, "test");
  auto files = Texts(event, "files");
  const auto test = std::ranges::find(run_.tests.rbegin(), run_.tests.rend(), name, &TestRecord::name);
  if (test == run_.tests.rend()) return;
  for (auto& file : files) {
    if (std::ranges::find(test->files, file) == test->files.end()) test->files.push_back(std::move(file));
  }
}

void RunReader::AddLeak(Leak leak, const std::string& exempted) {
  const std::pair identity(leak.process.pid, leak.process.start_ticks);
  const auto [known, is_new] = leaks_.emplace(identity, run_.leaks.size());
  if (is_new) {
    run_.leaks.push_back({std::move(leak), time_, exempted});
    return;
  }
  // Told again by the test program, which knows more: what became of it, and whether it is exempted.
  auto& record = run_.leaks[known->second];
  record.leak = std::move(leak);
  record.exempted = exempted;
}

void RunReader::OnLeak(const json& event) {
  if (!event.contains("leak")) throw std::runtime_error("no leak");
  auto leak = ReadLeak(event.at("leak"));
  const auto exempted = leak.exempted;
  AddLeak(std::move(leak), exempted);
}

void RunReader::OnStrays(const json& event) {
  if (!event.contains("processes") || !event.at("processes").is_array()) throw std::runtime_error("no processes");
  std::vector<Leak> strays;
  for (const auto& process : event.at("processes")) strays.push_back(ReadLeak({{"process", process}}));
  for (auto& stray : strays) {
    stray.evidence = {"tag"};
    stray.test = RunningTest() != nullptr ? RunningTest()->name : "the test program";
    stray.reaped = true;
    AddLeak(std::move(stray), "");
  }
}

void RunReader::Finish() {
  if (auto* test = RunningTest(); test != nullptr && test->result == TestResult::kUnfinished && run_.complete) {
    test->result = TestResult::kCrashed;
  }
  std::set<std::string> seen;
  for (const auto& test : run_.tests) {
    if (test.iteration == iteration_) seen.insert(test.name);
  }
  for (auto& test : plan_) {
    if (seen.contains(test.name)) continue;
    test.iteration = iteration_;
    run_.tests.push_back(std::move(test));
  }
}

std::string LineNumbers(const std::vector<std::size_t>& lines) {
  constexpr std::size_t kNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < kNamed; ++i) text += (i == 0 ? "" : ", ") + std::to_string(lines[i]);
  if (lines.size() > kNamed) text += " and " + std::to_string(lines.size() - kNamed) + " more";
  return text;
}

class JournalReader {
 public:
  JournalReader(const std::string& source, RunReport& report) : source_(source), report_(report) {}

  void Line(std::string_view line, std::size_t number) {
    if (line.empty()) return;  // behind one that was cut short
    const auto event = ParseObject(line);
    try {
      if (!event) throw std::runtime_error("not an object");
      Dispatch(*event);
    } catch (const std::exception&) {
      corrupt_.push_back(number);
    }
  }

  void Finish(bool cut_short) {
    FinishRun();
    if (!corrupt_.empty()) {
      report_.damage.push_back(source_ + ": " + std::to_string(corrupt_.size()) +
                               (corrupt_.size() == 1 ? " line is no event and was" : " lines are no events and were") +
                               " left out: line " + LineNumbers(corrupt_));
    }
    if (cut_short) report_.damage.push_back(source_ + ": ends in the middle of a line; used up to its last whole one");
    if (!any_) report_.damage.push_back(source_ + ": holds no run");
  }

 private:
  void Dispatch(const json& event) {
    const auto kind = Text(event, "event");
    if (kind.empty()) throw std::runtime_error("no event");
    if (kind == "run_begin") {
      const auto schema = Integer(event, "schema", 0, std::numeric_limits<int>::max(), kJournalSchema);
      FinishRun();
      Start();
      if (schema > kJournalSchema) {
        report_.damage.push_back(source_ + ": written by a newer Curfew (schema " + std::to_string(schema) +
                                 "); what this one does not know is left out");
      }
    } else if (!reader_) {
      Start();
      report_.damage.push_back(source_ + ": its beginning is missing");
    }
    reader_->Apply(event);
  }

  void Start() {
    any_ = true;
    run_ = Run{};
    run_.id = "unknown run of " + source_;
    reader_.emplace(run_);
  }

  void FinishRun() {
    if (!reader_) return;
    reader_->Finish();
    reader_.reset();
    if (!run_.complete) {
      report_.damage.push_back(source_ + ": run " + run_.id +
                               " has no end: its keeper was killed, or it is still running");
    }
    report_.runs.push_back(std::move(run_));
  }

  const std::string& source_;
  RunReport& report_;
  Run run_;
  std::optional<RunReader> reader_;
  std::vector<std::size_t> corrupt_;
  bool any_ = false;
};

}  // namespace

void ReadJournal(std::string_view text, const std::string& source, RunReport& report) {
  JournalReader reader(source, report);
  std::size_t number = 0;
  while (true) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    reader.Line(text.substr(0, end), ++number);
    text.remove_prefix(end + 1);
  }
  reader.Finish(!text.empty());
}

}  // namespace curfew::report
