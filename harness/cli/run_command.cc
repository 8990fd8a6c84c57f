// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include <nlohmann/json.hpp>

#include "cli/front.h"
#include "cli/inner_journals.h"
#include "leaks/exemption_file.h"
#include "leaks/run_directory.h"
#include "process/mark.h"
#include "process/names.h"
#include "process/switches.h"
#include "report/encode.h"
#include "report/escape.h"
#include "report/render.h"
#include "server/executable.h"

namespace curfew::cli {
namespace {

namespace fs = std::filesystem;
using process::Tag;

void Say(const std::string& text) { std::fputs(text.c_str(), stderr); }

std::string Quoted(const std::string& text) {
  ProcessInfo shown;
  shown.command = {text};
  return shown.CommandLine();
}

std::string Plain(const std::string& sentence) { return report::OneLine(sentence, 1000); }

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As in a test program: descriptors of ours must not take the numbers of closed standard ones.
void FillStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

std::string RandomRunId() {
  std::random_device random;
  char text[16];
  std::snprintf(text, sizeof text, "%06x%06x", random() & 0xffffffU, random() & 0xffffffU);
  return text;
}

// Where the run keeps what it writes. Removed at the end, the journal's file excepted if it was asked for elsewhere.
struct Places {
  fs::path directory;
  fs::path journal;
  fs::path kept;   // where the journal is to stay, if anywhere
  fs::path inner;  // where the runs inside put their journals
  process::FileDescriptor lock;  // on the directory, as long as we or the guardian live
};

process::Result<Places> MakePlaces(const std::string& run) {
  std::error_code error;
  auto parent = fs::temp_directory_path(error);
  if (error) parent = "/tmp";
  Places places;
  places.directory = fs::absolute(parent) / ("curfew-" + run);
  if (::mkdir(places.directory.c_str(), 0711) != 0) {
    return process::Failure{"make the run's directory " + places.directory.string(), errno};
  }
  places.lock = leaks::LockRunDirectory(places.directory);
  places.journal = places.directory / "journal.jsonl";
  places.inner = places.directory / "journals";
  if (const auto artifacts = Variable("CURFEW_ARTIFACTS"); !artifacts.empty()) {
    fs::create_directories(artifacts, error);  // what cannot be written is not; the run goes on
    places.kept = fs::absolute(artifacts) / ("curfew-" + run + ".jsonl");
    places.journal = places.kept;
  }
  if (const auto outer = Variable("CURFEW_JOURNALS"); !outer.empty()) {
    // A run inside another: its own inner ones below its name, so that it can tell them from its siblings'.
    places.journal = fs::path(outer) / (run + ".jsonl");
    places.inner = fs::path(outer) / (run + ".d");
  }
  fs::create_directories(places.inner, error);
  return places;
}

std::vector<std::string> Environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

void MarkEnvironment(const std::string& run, const fs::path& inner) {
  ::setenv(process::kMarkVariable, (run + "//").c_str(), 1);
  if (const auto owner = process::Owner::OfSelf(procfs::Proc())) {
    ::setenv(process::kOwnerVariable, owner->ToString().c_str(), 1);
  }
  ::setenv("CURFEW_JOURNALS", inner.c_str(), 1);
}

void WriteEnd(const fs::path& path, const Outcome& outcome, const std::vector<InnerRun>& inner) {
  report::Journal journal(path);
  // What has no journal of its own stands in ours.
  for (const auto& run : inner) {
    if (run.has_journal) continue;
    for (const auto& leak : run.leaks) journal.Write({{"event", "leak"}, {"leak", leak}, {"exempted", leak.exempted}});
    for (const auto& left : run.resources) {
      journal.Write({{"event", "resource"}, {"text", left.text}, {"test", left.test}, {"fails", false}});
    }
  }
  for (const auto& leak : outcome.leaks) journal.Write({{"event", "leak"}, {"leak", leak}, {"exempted", leak.exempted}});
  for (const auto& resource : outcome.resources) {
    journal.Write({{"event", "resource"}, {"text", resource.ToString()}, {"test", ""}, {"fails", outcome.resources_fail}});
  }
  if (!outcome.timed_out && outcome.guardian_lost.empty()) journal.Write({{"event", "program_end"}});
  journal.Write({{"event", "run_end"}, {"run", outcome.run}, {"why", "the command has ended"}});
}

// From the journals, before their directory goes: of this run and of those inside it. False if something could not be
// written; that has been said then, and so has the report itself, which must not be lost.
[[nodiscard]] bool WriteOutputs(const report::Outputs& outputs, const Places& places) {
  const report::Outputs none;
  if (outputs == none) return true;
  std::vector<std::string> journals = {places.journal.string()};
  std::error_code error;
  // Programs without a keeper have left notes alone (*.notes), which stand in our own journal.
  const fs::recursive_directory_iterator inner(places.inner, error);
  const auto is_journal = [](const fs::directory_entry& entry) { return entry.path().extension() == ".jsonl"; };
  if (!error && std::any_of(begin(inner), end(inner), is_journal)) journals.push_back(places.inner.string());
  const auto read = report::ReadFiles(journals);
  for (const auto& problem : read.unreadable) Say("curfew: " + Plain(problem) + "\n");
  const auto written = report::WriteReports(read.report, outputs);
  for (const auto& problem : written.errors) Say("curfew: " + Plain(problem) + "\n");
  // The command may have left its last line without an end; an annotation is one only at the beginning of a line.
  const auto standard_output = (outputs.github && !written.standard_output.empty() ? "\n" : "") + written.standard_output;
  const bool printed = std::fputs(standard_output.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!printed && !written.standard_output.empty()) Say("curfew: failed to write to standard output\n");
  const bool well = written.errors.empty() && (printed || written.standard_output.empty());
  if (!well) Say("curfew: the report instead:\n" + report::RenderText(read.report, false));
  return well;
}

[[noreturn]] void EndBy(int signal) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // the core that matters is the command's
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);  // only if the signal is one that does not end a process
}

leaks::Resources TakeResources() {
  return leaks::Resources::Take(procfs::Proc(), leaks::Resources::Places::OfThisProcess());
}

// What may stay: of the file, of the flags. False if something is wrong with it, which has been said then.
bool ReadWhatMayStay(const RunOptions& options, leaks::Exemptions& exemptions) {
  std::vector<std::string> errors;
  auto file = options.suppressions.empty() ? Variable("CURFEW_SUPPRESSIONS") : options.suppressions;
  if (!file.empty()) errors = leaks::ReadExemptions(file, exemptions);
  for (const auto& name : options.exempt) {
    if (auto error = exemptions.AddReadyMade(name)) errors.push_back(*error);
  }
  for (const auto& error : errors) Say("curfew: " + error + "\n");
  return errors.empty();
}

// By a second look at the same leaks: the guardian applied a copy of its own.
std::string UnusedExemptions(leaks::Exemptions exemptions, const Outcome& outcome) {
  for (auto leaks : {outcome.leaks, outcome.inner_leaks}) {
    for (auto& leak : leaks) leak.exempted.clear();
    exemptions.Apply(leaks);
  }
  std::string text;
  for (const auto& unused : exemptions.Unused()) text += "curfew: exemption not needed: " + unused + '\n';
  return text;
}

int NotFound(const std::string& program, const server::ExecutableSearch& search) {
  if (search.error == ENOENT || search.error == ENOTDIR) {
    Say("curfew: " + Quoted(program) + ": not found\n");
    return kExitNotFound;
  }
  Say("curfew: " + Quoted(program) + ": not executable: " + process::DescribeErrno(search.error) + "\n");
  return kExitNotExecutable;
}

int NotLaunched(const process::Failure& failure) {
  Say("curfew: failed to " + failure.ToString() + "\n");
  if (!failure.operation.starts_with("execute ")) return kExitInternal;
  return failure.error == ENOENT ? kExitNotFound : kExitNotExecutable;
}

}  // namespace

int RunCommand(const RunOptions& options, const InheritedSignals& signals) {
  FillStandardDescriptors();
  const auto search = server::FindExecutable(options.command.front(), Variable("PATH"));
  if (search.path.empty()) return NotFound(options.command.front(), search);

  GuardedCommand command;
  if (!ReadWhatMayStay(options, command.exemptions)) return kExitUsage;
  const auto exemptions = command.exemptions;
  std::optional<Tag> tag;
  if (!process::SwitchedOff("tag")) tag = Tag::ForNewRun(process::TagCeiling());
  if (tag) command.tag = tag->WithSlot(Tag::kCommand);
  command.run = tag ? tag->RunId() : RandomRunId();
  auto places = MakePlaces(command.run);
  if (!places.ok()) {
    Say("curfew: failed to " + places.failure().ToString() + "\n");
    return kExitInternal;
  }
  MarkEnvironment(command.run, places->inner);
  command.executable = search.path;
  command.argv = options.command;
  command.environment = Environment();
  command.ignored_signals = signals.ignored;
  command.signal_mask = signals.mask;
  command.timeout = options.timeout;
  command.grace = options.grace;
  command.keep = options.keep;
  command.journal = places->journal;
  command.directory = places->directory;

  std::optional<leaks::Resources> before;
  if (options.resources != Policy::kOff) before = TakeResources();
  bool written = true;
  auto outcome = Front(std::move(command)).Run();
  if (outcome.ok()) {
    if (before) outcome->resources = TakeResources().LeftSince(*before, procfs::Proc());
    outcome->resources_fail = options.resources == Policy::kFail;
    const auto inner = ReadInnerJournals(places->inner);
    BlameByJournals(inner, outcome->leaks);
    for (const auto& run : inner) {
      outcome->inner_leaks.insert(outcome->inner_leaks.end(), run.leaks.begin(), run.leaks.end());
    }
    auto applied = exemptions;  // those of this run hold for what the runs inside have found
    applied.Apply(outcome->inner_leaks);
    WriteEnd(places->journal, *outcome, inner);
    written = WriteOutputs(options.outputs, *places);
  }
  std::error_code ignored;
  if (!places->kept.empty() && places->kept != places->journal) {
    fs::copy_file(places->journal, places->kept, fs::copy_options::overwrite_existing, ignored);
  }
  fs::remove_all(places->directory, ignored);
  if (!outcome.ok()) return NotLaunched(outcome.failure());
  const auto verdict = Judge(*outcome, options.leaks);
  Say(Describe(*outcome, verdict, options.leaks));
  if (options.leaks != Policy::kOff) Say(UnusedExemptions(exemptions, *outcome));
  if (verdict.signal) EndBy(*verdict.signal);
  // Neither a failure of the command nor its leaks are hidden by it.
  return verdict.exit_code == 0 && !written ? kExitInternal : verdict.exit_code;
}

}  // namespace curfew::cli
