// SPDX-License-Identifier: Apache-2.0
#include "cli/run_tree.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "procfs/text.h"

namespace curfew::cli {
namespace {

// Text that is no command line, with whatever could disturb a terminal escaped.
std::string Plain(const std::string& text) {
  ProcessInfo shown;
  shown.name = text;
  const auto bracketed = shown.CommandLine();
  return bracketed.substr(1, bracketed.size() - 2);
}

std::string Note(const Leak& leak, std::chrono::system_clock::time_point now) {
  std::string note = "  " + Age(now - leak.process.started) + " old";
  if (!leak.test.empty()) note += ", " + Plain(leak.test);
  if (!leak.exempted.empty()) note += ", exempted: " + Plain(leak.exempted);
  if (!leak.server.empty()) note += ", server " + Plain(leak.server);
  return note;
}

}  // namespace

std::string Age(std::chrono::system_clock::duration age) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(age).count());
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " days";
}

std::string DrawRun(const leaks::MachineRun& run, std::chrono::system_clock::time_point now) {
  Tree tree;
  std::map<pid_t, const Leak*> by_pid;
  for (const auto& leak : run.processes) {
    tree.processes.push_back(leak.process);
    by_pid[leak.process.pid] = &leak;
  }
  std::istringstream lines(tree.ToString());
  std::string drawn;
  for (std::string line; std::getline(lines, line);) {
    // Every line of a tree is indented and begins with the pid.
    std::string_view rest = line;
    const auto pid = procfs::ParseNumber<pid_t>(procfs::TakeWord(rest)).value_or(0);
    const auto found = by_pid.find(pid);
    drawn += "  " + line + (found == by_pid.end() ? "" : Note(*found->second, now)) + '\n';
  }
  return drawn;
}

}  // namespace curfew::cli
