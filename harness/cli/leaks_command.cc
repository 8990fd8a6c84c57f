// SPDX-License-Identifier: Apache-2.0
#include "cli/leaks_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "cli/inner_journals.h"
#include "cli/may_stay.h"
#include "cli/run_tree.h"
#include "containment/stale.h"
#include "leaks/machine.h"
#include "leaks/run_directory.h"
#include "procfs/system_proc.h"
#include "report/encode.h"
#include "report/escape.h"

namespace curfew::cli {
namespace {

namespace fs = std::filesystem;
using leaks::Machine;
using leaks::MachineRun;
using nlohmann::json;

// Leaves that no run answers for any more, and what was alive in them.
struct StaleCgroup {
  fs::path path;
  std::string run;
  std::vector<ProcessInfo> processes;
  bool removed = false;
};

std::vector<StaleCgroup> StaleCgroups(bool reap) {
  constexpr auto kDeadline = std::chrono::seconds(5);
  std::vector<StaleCgroup> found;
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    for (auto& stale : containment::FindStaleLeaves(procfs::SystemProc(), root, true)) {
      StaleCgroup cgroup{stale.path, stale.run, stale.processes, false};
      if (reap) {
        static_cast<void>(
            containment::ReapStaleLeaf(procfs::SystemProc(), stale.leaf, std::chrono::steady_clock::now() + kDeadline));
        std::error_code error;
        cgroup.removed = !fs::exists(stale.path, error);
      }
      found.push_back(std::move(cgroup));
    }
  }
  return found;
}

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

void PrintJson(const json& document) {
  Print(document.dump(2, ' ', false, json::error_handler_t::replace) + '\n');
}

fs::path TemporaryDirectory() {
  std::error_code error;
  auto directory = fs::temp_directory_path(error);
  return error ? "/tmp" : directory;
}

std::string CommandText(const std::vector<std::string>& command) {
  ProcessInfo shown;
  shown.command = command;
  return shown.CommandLine(120);
}

// The journal that a killed run has left beside its processes names program and test.
void BlameByDirectory(const std::vector<leaks::StaleDirectory>& directories, MachineRun& run) {
  for (const auto& directory : directories) {
    if (directory.run != run.id) continue;
    BlameByJournals(ReadInnerJournals(directory.path), run.processes);
  }
}

// Not those of runs that are alive to be seen: its keeper may be one of an earlier version, without the lock.
std::vector<leaks::StaleDirectory> StaleDirectories(const Machine& machine) {
  auto directories = leaks::FindStaleDirectories(TemporaryDirectory());
  if (directories.empty()) return directories;
  const auto runs = machine.Runs();
  std::erase_if(directories, [&runs](const leaks::StaleDirectory& directory) {
    const auto run = std::ranges::find(runs, directory.run, &MachineRun::id);
    return run != runs.end() && run->owner != MachineRun::Owner::kDead;
  });
  return directories;
}

std::string Results(const MachineRun& run) {
  std::string text;
  for (const auto& leak : run.processes) {
    text += "  " + std::to_string(leak.process.pid) +
            (leak.reaped ? " killed\n" : " STILL ALIVE: " + report::OneLine(leak.why_alive) + '\n');
  }
  return text;
}

void PrintRun(const MachineRun& run, bool killed) {
  std::string by;
  for (const auto& leak : run.processes) {
    if (by.empty() && !leak.ancestors.empty()) by = " of " + leak.ancestors.front();
  }
  Print("run " + report::OneLine(run.id) + by + " is over, and has left:\n" +
        DrawRun(run, std::chrono::system_clock::now()));
  if (killed) Print(Results(run));
}

void PrintLeaf(const StaleCgroup& leaf) {
  Print("cgroup " + report::OneLine(leaf.path.string(), 1000) + " of a run that is over" +
        (leaf.removed ? ": removed" : "") + '\n');
  for (const auto& process : leaf.processes) {
    Print("  " + std::to_string(process.pid) + ' ' + process.CommandLine() + '\n');
  }
}

json ToJson(const MachineRun& run) {
  json processes = json::array();
  for (const auto& leak : run.processes) processes.push_back(leak);
  return {{"run", run.id}, {"processes", std::move(processes)}};
}

// What is running in a run: its test program's command, and the test, if its journal can be read.
std::string Title(const MachineRun& run) {
  std::string title = "run " + report::OneLine(run.id);  // of a mark, which anybody may set
  if (run.owner_pid != 0) {
    title +=
        " of " + std::to_string(run.owner_pid) + ' ' + CommandText(procfs::SystemProc().ReadCommand(run.owner_pid));
  }
  const auto directory = TemporaryDirectory() / ("curfew-" + run.id);
  // Anybody can make one of that name; what another user has written is not to be read out to this one.
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return title;
  for (const auto& inner : ReadInnerJournals(directory)) {
    if (inner.run != run.id || inner.tests.empty() || inner.tests.back().end_ms != 0) continue;
    const std::chrono::system_clock::time_point began{std::chrono::milliseconds(inner.tests.back().begin_ms)};
    title += ", in " + report::OneLine(inner.tests.back().name, 1000) + " for " +
             Age(std::chrono::system_clock::now() - began);
  }
  return title;
}

}  // namespace

int LeaksCommand(const LeaksOptions& options) {
  std::string errors;
  auto may_stay = ReadMayStay(options.may_stay, errors);
  std::fputs(errors.c_str(), stderr);
  if (!may_stay) return kExitUsage;
  const Machine machine(procfs::SystemProc(), Machine::Witness::kTagsAndMarks);
  auto runs = machine.DeadRuns();
  const auto directories = StaleDirectories(machine);
  for (auto& run : runs) {
    machine.Describe(run);
    BlameByDirectory(directories, run);
    may_stay->Apply(run.processes);
    for (auto& leak : run.processes) {
      if (!leak.exempted.empty()) leak.why_alive = "left alone, since it is exempted";
    }
    if (options.kill) machine.Kill(run);
  }
  // They may have ended meanwhile.
  std::erase_if(runs, [](const MachineRun& run) { return run.processes.empty(); });
  const bool left = std::ranges::any_of(runs, [](const MachineRun& run) {
    return std::ranges::any_of(run.processes, [](const Leak& leak) { return leak.exempted.empty(); });
  });
  const auto leaves = StaleCgroups(options.kill);
  json listed = json::array();
  for (const auto& directory : directories) {
    const bool removed = options.kill && leaks::RemoveStaleDirectory(directory);
    listed.push_back({{"path", directory.path.string()}, {"run", directory.run}, {"removed", removed}});
    if (options.json) continue;
    Print("directory " + report::OneLine(directory.path.string(), 1000) + " of a run that is over" +
          (removed ? ": removed\n" : "\n"));
  }
  if (options.json) {
    json document = {{"runs", json::array()}, {"directories", std::move(listed)}, {"cgroups", json::array()}};
    for (const auto& leaf : leaves) {
      document["cgroups"].push_back(
          {{"path", leaf.path.string()}, {"run", leaf.run}, {"processes", leaf.processes}, {"removed", leaf.removed}});
    }
    for (const auto& run : runs) document["runs"].push_back(ToJson(run));
    PrintJson(document);
  } else {
    for (const auto& run : runs) PrintRun(run, options.kill);
    for (const auto& leaf : leaves) PrintLeaf(leaf);
    if ((left || !leaves.empty()) && !options.kill) Print("curfew leaks --kill ends them\n");
  }
  return !left && directories.empty() && leaves.empty() ? 0 : kExitLeaked;
}

int PsCommand(const PsOptions& options) {
  const Machine machine(procfs::SystemProc(), Machine::Witness::kTagsAndMarks);
  auto runs = machine.Runs();
  std::erase_if(runs, [](const MachineRun& run) { return run.owner != MachineRun::Owner::kAlive; });
  json document = {{"runs", json::array()}};
  for (auto& run : runs) {
    machine.Describe(run);
    if (run.processes.empty()) continue;  // they have ended meanwhile
    if (options.json) {
      document["runs"].push_back(ToJson(run));
    } else {
      Print(Title(run) + ":\n" + DrawRun(run, std::chrono::system_clock::now()));
    }
  }
  if (options.json) PrintJson(document);
  return 0;
}

}  // namespace curfew::cli
