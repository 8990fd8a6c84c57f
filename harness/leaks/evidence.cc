// SPDX-License-Identifier: Apache-2.0
#include "leaks/evidence.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "containment/escape.h"
#include "process/mark.h"
#include "procfs/net.h"

namespace curfew::leaks {
namespace {

using process::Tag;

constexpr std::array<std::string_view, 3> kStandard = {"stdin", "stdout", "stderr"};
// A process may hold the same pipe many times, and many pipes.
constexpr std::size_t kMostHeld = 8;

bool SomebodyWaitsFor(std::string_view link) {
  return !link.starts_with("/dev/") && !link.starts_with("anon_inode:");
}

void AddEvidence(const containment::TreeFinder& finder, const LeftBehind& context, Leak& leak) {
  const auto& proc = finder.proc();
  const pid_t pid = leak.process.pid;
  if (finder.Descends(pid)) leak.evidence.emplace_back("lineage");
  if (finder.InLeaf(pid)) leak.evidence.emplace_back("cgroup");
  const auto tag = process::ReadTag(proc, pid);
  // A tag of another run is one of a run inside this, since everything here is below our own.
  if (tag && finder.tag()) leak.evidence.emplace_back("tag");
  if (tag && finder.tag() && !tag->SameRun(*finder.tag())) leak.run = tag->RunId();
  if (const auto mark = process::Mark::Read(proc, pid)) {
    leak.evidence.emplace_back("mark");
    leak.test = mark->test;
    leak.server = mark->server;
    if (mark->run != context.run) leak.run = mark->run;
  }
  // pytest tells its children: "test_kv.py::test_pings (call)".
  if (leak.test.empty()) leak.test = proc.FindInEnviron(pid, "PYTEST_CURRENT_TEST").value_or("");
}

}  // namespace

Belongings StandardStreams(const procfs::Proc& proc, pid_t pid, const std::string& of) {
  Belongings belongings;
  for (std::size_t fd = 0; fd < kStandard.size(); ++fd) {
    const auto link = proc.ReadLink(pid, "fd/" + std::to_string(fd));
    if (link && SomebodyWaitsFor(*link)) belongings.emplace(*link, std::string(kStandard[fd]) + " of " + of);
  }
  return belongings;
}

bool IsCurfewHelper(const procfs::Proc& proc, pid_t pid) {
  const auto tag = process::ReadTag(proc, pid);
  return tag && tag->slot() == Tag::kCurfew;
}

void AddDetails(const procfs::Proc& proc, const Belongings& belongings, Leak& leak) {
  leak.process.exe = proc.ReadLink(leak.process.pid, "exe").value_or("");
  leak.process.resident_bytes = proc.ResidentBytes(leak.process.pid);
  std::map<std::string, std::string> held;  // by what it is: each once
  for (const auto& [fd, link] : proc.Descriptors(leak.process.pid).value_or(std::map<int, std::string>())) {
    const auto found = belongings.find(link);
    if (found != belongings.end()) held.emplace(link, found->second);
  }
  for (const auto& [link, what] : held) {
    if (leak.holds.size() < kMostHeld) leak.holds.push_back(what + " (" + link + ")");
  }
}

std::vector<Leak> DescribeLeft(const containment::TreeFinder& finder, const LeftBehind& context) {
  const auto& proc = finder.proc();
  std::vector<ProcessInfo> processes;
  for (const auto& member : finder.FindThoroughly()) {
    if (auto info = proc.Describe(member.pid)) processes.push_back(std::move(*info));
  }
  std::ranges::sort(processes, {}, &ProcessInfo::start_ticks);
  procfs::FillPorts(proc, processes);
  std::vector<Leak> leaks;
  for (auto& process : processes) {
    Leak leak;
    const bool parent_gone = process.parent == context.adopter && process.pid != context.leader;
    leak.escapes =
        containment::DescribeEscape(process, parent_gone, context.leader_group, context.leader_session);
    leak.process = std::move(process);
    AddEvidence(finder, context, leak);
    AddDetails(proc, context.belongings, leak);
    leaks.push_back(std::move(leak));
  }
  return leaks;
}

}  // namespace curfew::leaks
