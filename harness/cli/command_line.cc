// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <sstream>

#include "leaks/exemptions.h"
#include "process/parse_duration.h"
#include "report/escape.h"

namespace curfew::cli {
namespace {

constexpr const char* kAbout =
    "Runs commands so that nothing outlives them, finds what earlier runs have left, and makes reports of runs.\n"
    "Exit codes are those of the command that was run; 86: it passed, and left processes behind;\n"
    "124: it timed out; 125: Curfew could not do its part; 126, 127: it could not be executed,\n"
    "was not found; 2: wrong usage.";

const std::map<std::string, Policy> kPolicies = {
    {"fail", Policy::kFail}, {"warn", Policy::kWarn}, {"off", Policy::kOff}};

// CLI11's own conversion would take a duration apart its own way.
std::function<void(const std::string&)> Into(std::optional<Duration>& duration) {
  return [&duration](const std::string& text) {
    const auto parsed = process::ParseDuration(text);
    if (!parsed) throw CLI::ValidationError("\"" + text + "\" is no duration; use 30s, 500ms, 2m, 1.5h, 0 or off");
    duration = parsed;
  };
}

// CLI11's transformer would take 2 for off: the number behind the name.
std::function<void(const std::string&)> Into(Policy& policy) {
  return [&policy](const std::string& text) {
    const auto found = kPolicies.find(text);
    if (found == kPolicies.end()) throw CLI::ValidationError("\"" + text + "\" is none of fail, warn, off");
    policy = found->second;
  };
}

std::string ReadyMadeNames() {
  std::string names;
  for (const auto& each : leaks::Exemptions::AllReadyMade())
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  return names;
}

struct Raw {
  RunOptions run;
  LeaksOptions leaks;
  PsOptions ps;
  ReportOptions report;
  std::optional<Duration> grace;
};

void DefineMayStay(CLI::App& app, MayStay& may_stay) {
  app.add_option("--suppressions", may_stay.suppressions,
                 "File of processes that may stay: KIND:PATTERN... # reason (also: CURFEW_SUPPRESSIONS)")
      ->option_text("FILE");
  app.add_option("--exempt", may_stay.exempt, "A well-known process that may stay: " + ReadyMadeNames())
      ->take_all()
      ->expected(1)
      ->delimiter(',')
      ->option_text("NAME");
}

void DefineRun(CLI::App& app, Raw& raw) {
  app.footer("The command and its arguments stand behind --:  curfew run --timeout 10m -- ctest -j8");
  app.prefix_command();
  app.add_option_function<std::string>("--leaks", Into(raw.run.leaks),
                                       "What it does to the exit code when CMD leaves processes behind: fail (86), "
                                       "warn (only told), off (only ended)")
      ->option_text("fail|warn|off");
  app.add_option_function<std::string>("--resources", Into(raw.run.resources),
                                       "What it does when shared memory, semaphores, queues, socket files, mounts or "
                                       "network namespaces have appeared that nobody uses (warn); they are never "
                                       "removed")
      ->option_text("fail|warn|off");
  app.add_option_function<std::string>("--timeout", Into(raw.run.timeout),
                                       "How long CMD may take; then all of it is stopped, and the exit code is 124")
      ->option_text("DURATION");
  app.add_option_function<std::string>("--grace", Into(raw.grace),
                                       "Time between SIGTERM and SIGKILL for what has to be stopped (5s)")
      ->option_text("DURATION");
  DefineMayStay(app, raw.run.may_stay);
  DefineOutputs(app, raw.run.outputs);
  app.add_flag("--keep", raw.run.keep, "Report what is left behind, and leave it alone");
}

void DefineLeaks(CLI::App& app, Raw& raw) {
  app.add_flag("--kill", raw.leaks.kill, "Kill what is found, and remove directories of dead runs");
  app.add_flag("--json", raw.leaks.json, "Print JSON");
  DefineMayStay(app, raw.leaks.may_stay);
}

Answer Usage(const std::string& text) {
  return {"curfew: " + report::OneLine(text, 1000) + "\nTry: curfew --help, curfew run --help\n", kExitUsage};
}

Answer Explain(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = app.exit(error, out, err);
  if (code == 0) return {out.str(), 0};
  return Usage(error.what());
}

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments) {
  // What stands behind "--" is CMD's, whatever it looks like: CLI11 does not get to see it. Of the other subcommands it
  // is what cannot be a flag (a file of the name -x).
  const auto word = std::ranges::find_if(arguments, [](const auto& argument) { return !argument.starts_with('-'); });
  const bool is_run = word == arguments.end() || *word == "run";
  const auto dashes = is_run ? std::ranges::find(arguments, "--") : arguments.end();
  std::vector<std::string> ours(arguments.begin(), dashes);
  std::vector<std::string> command;

  Raw raw;
  CLI::App app(kAbout, "curfew");
  app.require_subcommand(1);
  auto* const run = app.add_subcommand("run", "Runs CMD, whatever it is; ends and reports what it leaves behind");
  auto* const leaks = app.add_subcommand("leaks", "Shows what earlier runs have left behind (86 if there is any)");
  auto* const ps = app.add_subcommand("ps", "Shows the runs that are going on, as trees");
  auto* const report =
      app.add_subcommand("report", "Makes one report of journals and reports of many runs, shards and machines");
  DefineReport(*report, raw.report);
  DefineRun(*run, raw);
  DefineLeaks(*leaks, raw);
  ps->add_flag("--json", raw.ps.json, "Print JSON");
  try {
    std::ranges::reverse(ours);  // CLI11 takes a vector from its end
    app.parse(ours);
  } catch (const CLI::ParseError& error) {
    return Explain(app, error);
  }
  if (leaks->parsed()) return raw.leaks;
  if (ps->parsed()) return raw.ps;
  if (report->parsed()) return raw.report;
  command = run->remaining();
  if (!command.empty() && command.front().starts_with('-')) {
    return Usage("run: there is no flag " + command.front() + "; flags of the command stand behind --");
  }
  // "curfew run make -- all": the dashes are make's.
  if (!command.empty() && dashes != arguments.end()) command.emplace_back("--");
  if (dashes != arguments.end()) command.insert(command.end(), dashes + 1, arguments.end());
  if (command.empty() || command.front().empty()) return Usage("run: no command; curfew run [OPTIONS] -- CMD ...");
  raw.run.command = std::move(command);
  if (raw.grace) raw.run.grace = *raw.grace;
  if (raw.run.timeout && *raw.run.timeout == Duration::zero()) raw.run.timeout.reset();
  return raw.run;
}

}  // namespace curfew::cli
