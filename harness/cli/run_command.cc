// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.h"

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
#include "cli/may_stay.h"
#include "leaks/run_directory.h"
#include "process/mark.h"
#include "process/names.h"
#include "process/switches.h"
#include "procfs/own_view.h"
#include "report/encode.h"
#include "report/find_journals.h"
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

std::string RandomRunId() {
  std::random_device random;
  char text[16];
  std::snprintf(text, sizeof text, "%06x%06x", random() & 0xffffffU, random() & 0xffffffU);
  return text;
}

// As it is where there is no working directory any more: what is then opened by it says so.
fs::path Absolute(const fs::path& path) {
  std::error_code error;
  auto absolute = fs::absolute(path, error);
  return error ? path : absolute;
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
  places.directory = Absolute(parent) / ("curfew-" + run);
  if (::mkdir(places.directory.c_str(), 0711) != 0) {
    return process::Failure{"make the run's directory " + places.directory.string(), errno};
  }
  places.lock = leaks::LockRunDirectory(places.directory);
  places.journal = places.directory / "journal.jsonl";
  places.inner = places.directory / "journals";
  if (const auto artifacts = Variable("CURFEW_ARTIFACTS"); !artifacts.empty()) {
    fs::create_directories(artifacts, error);  // what cannot be written is not; the run goes on
    places.kept = Absolute(artifacts) / ("curfew-" + run + ".jsonl");
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

// The errno of what could not be written, or 0.
int WriteEnd(const fs::path& path, const Outcome& outcome, const std::vector<InnerRun>& inner) {
  report::Journal journal(path);
  // What has no journal of its own stands in ours.
  for (const auto& run : inner) {
    if (run.has_journal) continue;
    for (const auto& leak : run.leaks) journal.Write({{"event", "leak"}, {"leak", leak}, {"exempted", leak.exempted}});
    for (const auto& left : run.resources) {
      journal.Write({{"event", "resource"}, {"text", left.text}, {"test", left.test}, {"fails", false}});
    }
  }
  for (const auto& leak : outcome.leaks)
    journal.Write({{"event", "leak"}, {"leak", leak}, {"exempted", leak.exempted}});
  for (const auto& resource : outcome.resources) {
    journal.Write(
        {{"event", "resource"}, {"text", resource.ToString()}, {"test", ""}, {"fails", outcome.Fails(resource)}});
  }
  if (!outcome.guardian_lost.empty()) {
    journal.Write({{"event", "trouble"}, {"text", outcome.guardian_lost}});
    // The guardian would have told how the command ended.
    if (outcome.status) journal.Write({{"event", "owner_end"}, {"status", *outcome.status}});
  }
  const bool by_itself =
      !outcome.timed_out && outcome.guardian_lost.empty() && outcome.status && outcome.status->exited();
  if (by_itself) journal.Write({{"event", "program_end"}});
  journal.Write({{"event", "run_end"}, {"run", outcome.run}, {"why", "the command has ended"}});
  return journal.error();
}

// What the report is to say of a run whose journal is lost: it does not hang on a disk that is full.
report::Run RunOf(const Outcome& outcome) {
  report::Run run;
  run.id = outcome.run;
  run.host = procfs::HostName();
  run.pid = ::getpid();
  run.command = outcome.command;
  run.is_command = run.complete = true;
  run.status = outcome.status;
  run.stop = outcome.stop;
  if (outcome.timed_out) {
    const auto line = outcome.timed_out->find(":\n");
    run.timed_out = "was " + outcome.timed_out->substr(0, line);
    if (line != std::string::npos) run.evidence = outcome.timed_out->substr(line + 2);
  }
  for (const auto& trouble : {outcome.guardian_lost, outcome.blind, outcome.journal_lost}) {
    if (!trouble.empty()) run.troubles.push_back(trouble);
  }
  for (const auto* leaks : {&outcome.inner_leaks, &outcome.leaks}) {
    for (const auto& leak : *leaks) run.leaks.push_back({leak, std::nullopt, leak.exempted});
  }
  for (const auto& resource : outcome.resources) {
    run.resources.push_back({resource.ToString(), "", std::nullopt, outcome.Fails(resource)});
  }
  return run;
}

// From the journals, before their directory goes: of this run and of those inside it. False if something could not be
// written; that has been said then, and so has the report itself, which must not be lost.
[[nodiscard]] bool WriteOutputs(const report::Outputs& outputs, const Places& places, Outcome outcome) {
  const report::Outputs none;
  if (outputs == none) return true;
  std::vector<std::string> journals;
  // Programs without a keeper have left notes alone (*.notes), which stand in our own journal.
  const auto inner = report::FindJournals(places.inner, {".jsonl"});
  if (!inner.paths.empty() || !inner.unreadable.empty()) journals.push_back(places.inner.string());
  if (outcome.journal_lost.empty()) {
    // A command that clears the temporary directory leaves of it what was written last.
    const auto own = report::ReadFiles({places.journal.string()}).report;
    if (std::ranges::find(own.runs, outcome.run, &report::Run::id) != own.runs.end()) {
      journals.insert(journals.begin(), places.journal.string());
    } else {
      outcome.journal_lost = "the journal " + places.journal.string() + " was removed while the command ran";
      Say("curfew: " + Plain(outcome.journal_lost) + "\n");
    }
  }
  auto read = report::ReadFiles(journals);
  if (!outcome.journal_lost.empty()) {
    read.report.runs.insert(read.report.runs.begin(), RunOf(outcome));
    report::TellLeaksOnce(read.report);
  }
  for (const auto& problem : read.unreadable) {
    Say("curfew: " + Plain(problem) + "\n");
    read.report.damage.push_back(problem);
  }
  const auto written = report::WriteReports(read.report, outputs);
  for (const auto& problem : written.errors) Say("curfew: " + Plain(problem) + "\n");
  // The command may have left its last line without an end; an annotation is one only at the beginning of a line.
  const auto standard_output =
      (outputs.github && !written.standard_output.empty() ? "\n" : "") + written.standard_output;
  const bool printed = std::fputs(standard_output.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!printed && !written.standard_output.empty()) Say("curfew: failed to write to standard output\n");
  const bool well = written.errors.empty() && (printed || written.standard_output.empty());
  if (!well) Say("curfew: the report instead:\n" + report::RenderText(read.report, false));
  return well && read.unreadable.empty() && outcome.journal_lost.empty();
}

// The journal to its end, its copy, the reports. False if one of them that somebody asked for is not whole.
[[nodiscard]] bool Record(const report::Outputs& outputs, const Places& places, const std::vector<InnerRun>& inner,
                          Outcome& outcome) {
  if (const int error = WriteEnd(places.journal, outcome, inner)) outcome.journal_lost = process::DescribeErrno(error);
  const bool whole = outcome.journal_lost.empty();
  if (!whole)
    outcome.journal_lost = "failed to write the journal " + places.journal.string() + ": " + outcome.journal_lost;
  std::error_code error;
  if (whole && !places.kept.empty() && places.kept != places.journal) {
    fs::copy_file(places.journal, places.kept, fs::copy_options::overwrite_existing, error);
    if (error)
      Say("curfew: failed to write the journal " + Plain(places.kept) + ": " + process::DescribeErrno(error.value()) +
          "\n");
  }
  // One that was to stay nowhere, and that no report was to be made of, is nobody's loss.
  const bool wanted = !places.kept.empty() || !Variable("CURFEW_JOURNALS").empty() || outputs != report::Outputs();
  if (!whole && wanted) Say("curfew: " + Plain(outcome.journal_lost) + "\n");
  return WriteOutputs(outputs, places, outcome) && (whole || !wanted) && !error;
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

// By a second look at the same leaks: the guardian applied a copy of its own.
std::string UnusedExemptions(leaks::Exemptions exemptions, const Outcome& outcome) {
  for (auto leaks : {outcome.leaks, outcome.inner_leaks}) {
    for (auto& leak : leaks) leak.exempted.clear();
    exemptions.Apply(leaks);
  }
  std::string text;
  for (const auto& unused : exemptions.Unused()) text += "curfew: exemption not needed: " + Plain(unused) + '\n';
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
  Say("curfew: failed to " + Plain(failure.ToString()) + "\n");
  if (!failure.operation.starts_with("execute ")) return kExitInternal;
  return failure.error == ENOENT ? kExitNotFound : kExitNotExecutable;
}

}  // namespace

int RunCommand(const RunOptions& options, const InheritedSignals& signals) {
  const auto search = server::FindExecutable(options.command.front(), Variable("PATH"));
  if (search.path.empty()) return NotFound(options.command.front(), search);

  GuardedCommand command;
  std::string errors;
  const auto may_stay = ReadMayStay(options.may_stay, errors);
  Say(errors);
  if (!may_stay) return kExitUsage;
  const auto& exemptions = *may_stay;
  command.exemptions = exemptions;
  std::optional<Tag> tag;
  if (!process::SwitchedOff("tag")) tag = Tag::ForNewRun(process::TagCeiling());
  if (tag) command.tag = tag->WithSlot(Tag::kCommand);
  command.run = tag ? tag->RunId() : RandomRunId();
  auto places = MakePlaces(command.run);
  if (!places.ok()) {
    Say("curfew: failed to " + Plain(places.failure().ToString()) + "\n");
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
    outcome->inner_leaks = OnlyFoundInside(inner, outcome->leaks);
    auto applied = exemptions;  // those of this run hold for what the runs inside have found
    applied.Apply(outcome->inner_leaks);
    written = Record(options.outputs, *places, inner, *outcome);
  }
  std::error_code ignored;
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
