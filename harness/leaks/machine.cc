// SPDX-License-Identifier: Apache-2.0
#include "leaks/machine.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "containment/escape.h"
#include "leaks/evidence.h"
#include "process/clock.h"
#include "process/names.h"
#include "process/pidfd.h"
#include "procfs/net.h"

namespace curfew::leaks {
namespace {

using namespace std::chrono_literals;
using process::Tag;
using Clock = std::chrono::steady_clock;

constexpr int kSecondLook = 50;  // milliseconds
constexpr auto kKillDeadline = 5s;

bool CalledAsHelper(const std::string& name) { return name.starts_with("curfew"); }

}  // namespace

std::optional<std::string> Machine::RunOf(pid_t pid, std::optional<Tag>& tag) const {
  tag = process::ReadTag(proc_, pid);
  if (tag) return tag->RunId();
  if (witness_ == Witness::kTags) return std::nullopt;
  auto mark = process::Mark::Read(proc_, pid);
  return mark ? std::optional(std::move(mark->run)) : std::nullopt;
}

Machine::Members Machine::Collect() const {
  Members members;
  const pid_t self = ::getpid();
  for (const pid_t pid : proc_.Pids()) {
    std::optional<Tag> tag;
    auto run = pid == self ? std::nullopt : RunOf(pid, tag);
    if (run) members[*run].push_back({pid, tag});
  }
  return members;
}

Machine::Word Machine::AskForOwner(const Member& member, const std::string& id) const {
  const auto stat = proc_.ReadStat(member.pid);
  if (!stat || stat->zombie()) return Word::kNothing;
  if (member.tag && member.tag->slot() == Tag::kCurfew) return Word::kOwnerLives;
  const auto mark = process::Mark::Read(proc_, member.pid);
  const bool marked = mark && mark->run == id;
  // A keeper of a run without tags.
  if (!member.tag && marked && CalledAsHelper(stat->comm)) return Word::kOwnerLives;
  if (marked) {
    const auto owner = process::Owner::Read(proc_, member.pid);
    const auto alive = owner ? owner->Alive(proc_) : std::nullopt;
    return !alive ? Word::kNothing : *alive ? Word::kOwnerLives : Word::kOwnerIsDead;
  }
  // Only forked, its environment is its parent's and says nothing; handed to init, it has lost who forked it.
  if (stat->only_forked()) return stat->ppid == 1 ? Word::kLeftBehind : Word::kNothing;
  // Executed without the mark, and with the tag of test programs: the program itself, which was executed before there
  // was a mark, or a stray with a cleared environment. A daemonised test program is not to be told from the latter.
  if (member.tag && member.tag->slot() == Tag::kTestProgram) {
    return stat->ppid == 1 ? Word::kMayBeTheOwner : Word::kOwnerLives;
  }
  return member.tag && stat->ppid == 1 ? Word::kLeftBehind : Word::kNothing;
}

void Machine::FindOwner(const std::vector<Member>& members, MachineRun& run) const {
  std::set<Word> said;
  for (const auto& member : members) {
    const Word word = AskForOwner(member, run.id);
    said.insert(word);
    if (word != Word::kOwnerLives || run.owner_pid != 0) continue;
    if (member.tag && member.tag->slot() == Tag::kTestProgram) run.owner_pid = member.pid;
    const auto owner = process::Owner::Read(proc_, member.pid);
    const auto mark = process::Mark::Read(proc_, member.pid);
    if (owner && mark && mark->run == run.id && owner->Alive(proc_).value_or(false)) run.owner_pid = owner->pid;
  }
  if (said.contains(Word::kOwnerLives)) {
    run.owner = MachineRun::Owner::kAlive;
  } else if (said.contains(Word::kOwnerIsDead)) {
    run.owner = MachineRun::Owner::kDead;
  } else if (said.contains(Word::kLeftBehind) && !said.contains(Word::kMayBeTheOwner)) {
    run.owner = MachineRun::Owner::kDead;
  }
}

std::vector<MachineRun> Machine::Runs() const {
  std::vector<MachineRun> runs;
  for (const auto& [id, members] : Collect()) {
    MachineRun run;
    run.id = id;
    FindOwner(members, run);
    for (const auto& member : members) {
      // A zombie waits for its parent or for init, and there is nothing to be done about it.
      const auto stat = proc_.ReadStat(member.pid);
      if (!stat || stat->zombie()) continue;
      Leak leak;
      leak.process.pid = member.pid;
      run.processes.push_back(std::move(leak));
    }
    if (!run.processes.empty()) runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<MachineRun> Machine::DeadRuns() const {
  const auto dead = [this] {
    auto runs = Runs();
    std::erase_if(runs, [](const MachineRun& run) { return run.owner != MachineRun::Owner::kDead; });
    return runs;
  };
  const auto first = dead();
  if (first.empty()) return {};
  ::poll(nullptr, 0, kSecondLook);
  auto second = dead();
  std::erase_if(second, [&first](const MachineRun& run) {
    return std::ranges::find(first, run.id, &MachineRun::id) == first.end();
  });
  return second;
}

void Machine::Describe(MachineRun& run) const {
  std::vector<ProcessInfo> processes;
  for (const auto& each : run.processes) {
    if (auto info = proc_.Describe(each.process.pid)) processes.push_back(std::move(*info));
  }
  std::ranges::sort(processes, {}, &ProcessInfo::start_ticks);
  procfs::FillPorts(proc_, processes);
  std::set<pid_t> members;
  for (const auto& process : processes) members.insert(process.pid);
  run.processes.clear();
  for (auto& process : processes) {
    Leak leak;
    leak.escapes =
        containment::DescribeEscape(process, !members.contains(process.parent), process.group, process.session);
    if (process::ReadTag(proc_, process.pid)) leak.evidence.emplace_back("tag");
    if (const auto mark = process::Mark::Read(proc_, process.pid); mark && mark->run == run.id) {
      leak.evidence.emplace_back("mark");
      leak.test = mark->test;
      leak.server = mark->server;
    }
    leak.run = run.id;
    leak.process = std::move(process);
    AddDetails(proc_, {}, leak);
    run.processes.push_back(std::move(leak));
  }
}

bool Machine::Spared(const MachineRun& run, pid_t pid) const {
  const auto stat = proc_.ReadStat(pid);
  // What an exempted daemon begins meanwhile is a part of it.
  return stat && std::ranges::any_of(run.processes, [&stat](const Leak& leak) {
    return !leak.exempted.empty() && (leak.process.pid == stat->ppid ||
                                      (leak.process.pid == stat->pid && leak.process.start_ticks == stat->start_ticks));
  });
}

void Machine::Kill(MachineRun& run) const {
  const auto deadline = Clock::now() + kKillDeadline;
  std::map<pid_t, int> refused;
  // What is killed may have begun more meanwhile: until two listings in a row show nobody who could be killed.
  for (int quiet = 0; quiet < 2 && Clock::now() < deadline;) {
    bool found = false;
    for (const auto& each : Runs()) {
      // Who told that the owner is dead may be gone already; a living one would be none of those that were meant.
      if (each.id != run.id || each.owner == MachineRun::Owner::kAlive) continue;
      for (const auto& member : each.processes) {
        const pid_t pid = member.process.pid;
        auto pidfd = process::Pidfd::Open(pid);
        std::optional<Tag> tag;
        if (!pidfd.ok() || RunOf(pid, tag) != run.id || refused.contains(pid) || pidfd->Ended() || Spared(run, pid))
          continue;
        const int error = pidfd->Signal(SIGKILL);
        if (error == EPERM) refused[pid] = error;
        if (error == 0) found = true;
      }
    }
    quiet = found ? 0 : quiet + 1;
    ::poll(nullptr, 0, 2);
  }
  for (auto& leak : run.processes) {
    if (!leak.exempted.empty()) continue;
    const auto stat = proc_.ReadStat(leak.process.pid);
    leak.reaped = !stat || stat->start_ticks != leak.process.start_ticks || stat->zombie();
    if (leak.reaped) continue;
    leak.why_alive = refused.contains(leak.process.pid)
                         ? process::ErrnoName(EPERM) + ": runs as uid " + std::to_string(leak.process.uid)
                         : std::string("killed, and not gone yet: state ") + stat->state;
  }
}

}  // namespace curfew::leaks
