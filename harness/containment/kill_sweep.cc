// SPDX-License-Identifier: Apache-2.0
#include "containment/kill_sweep.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_set>
#include <utility>

#include "containment/tree_signal.h"
#include "process/names.h"
#include "process/switches.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// After this long a tree is not calm: a server's exit takes microseconds to a few milliseconds, and all the
// while a bomb would grow.
constexpr auto kCalm = 2ms;
// How long to leave the work to the enclosures before looking for members as well: a thousand spinning processes
// were gone in 0.1 s.
constexpr auto kEnclosed = 1s;
// How long to chase before the sweep is tried, and how many times at least, however rarely it gets a processor. More
// living children than a chain ever has are no chain.
constexpr auto kChase = 20ms;
constexpr int kChases = 20;
constexpr std::size_t kChainWidth = 16;
constexpr int kNewest = 8;
// How long to go on when everything that is left refuses SIGKILL (another user's processes).
constexpr auto kRefusing = 200ms;

void Pause(Duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec timeout{seconds.count(), static_cast<long>((time - seconds).count())};
  ::ppoll(nullptr, 0, &timeout, nullptr);  // ended early by SIGCHLD, which is welcome
}

// Runs before everybody else while it lives, where that is allowed (CAP_SYS_NICE or RLIMIT_RTPRIO; sched(7)). Every
// session gets the same share of the machine, so three hundred sessions of a bomb would leave the sweep one part in
// three hundred. Where it is refused the sweep takes longer, and ends all the same.
class Precedence {
 public:
  Precedence() : previous_(::sched_getscheduler(0)) {
    ::sched_getparam(0, &parameters_);
    const sched_param lowest{.sched_priority = ::sched_get_priority_min(SCHED_FIFO)};
    taken_ = previous_ >= 0 && ::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
  }
  ~Precedence() {
    if (taken_) ::sched_setscheduler(0, previous_, &parameters_);
  }
  Precedence(const Precedence&) = delete;
  Precedence& operator=(const Precedence&) = delete;

 private:
  int previous_;
  sched_param parameters_{};
  bool taken_ = false;
};

}  // namespace

KillSweep::KillSweep(const TreeFinder& finder, const process::Pidfd* leader, std::function<bool()> collect,
                     std::vector<const Enclosure*> enclosures)
    : finder_(finder), leader_(leader), collect_(std::move(collect)), enclosures_(std::move(enclosures)) {}

std::vector<Survivor> KillSweep::Run(Deadline deadline) {
  // Before anybody is looked for: that takes the longer, the more a chain or a bomb has begun.
  for (const auto* enclosure : enclosures_) enclosure->Kill();
  if (!collect_() && !Populated()) return {};
  if (!enclosures_.empty() && !KillEnclosed(std::min<Deadline>(deadline, Clock::now() + kEnclosed))) return {};
  std::vector<pid_t> killed;
  static_cast<void>(Pass(killed));  // without a stat of anybody: all that most trees need
  if (!CollectFor(kCalm)) return {};
  // A group whose first process is gone shows in the stat of the others only; a chain that forks and ends again and
  // again is hit by its group and by nothing else.
  TreeSignal(finder_, leader_).Send(finder_.Find(), SIGKILL);
  if (!CollectFor(kCalm)) return {};
  if (process::SwitchedOff("sweep")) return Survivors();

  auto refusing_since = Clock::time_point::max();
  std::set<std::pair<pid_t, std::uint64_t>> dead_before;
  while (Clock::now() < deadline) {
    if (!Chase(std::min<Deadline>(deadline, Clock::now() + kChase))) return {};
    Sweep(deadline);
    if (!CollectFor(kCalm)) return {};
    auto left = Survivors();
    // A zombie waits for its parent, which may be one of those that refuse. One of ours waits for us alone: where a
    // listing shows nothing but such, and others each time, a chain has got away from it. The same again is one that
    // cannot be had: its tracer holds it.
    std::set<std::pair<pid_t, std::uint64_t>> dead;
    const bool only_refusals = !left.empty() && std::ranges::all_of(left, [&](const Survivor& s) {
      if (!s.process.zombie() || !finder_.Adopts(s.process.parent)) {
        return s.process.zombie() || s.reason.starts_with("EPERM");
      }
      return dead_before.contains(*dead.emplace(s.process.pid, s.process.start_ticks).first);
    });
    dead_before = std::move(dead);
    if (!only_refusals) {
      refusing_since = Clock::time_point::max();
    } else if (refusing_since == Clock::time_point::max()) {
      refusing_since = Clock::now();
    } else if (Clock::now() - refusing_since > kRefusing) {
      return left;
    }
  }
  return Survivors();
}

bool KillSweep::Populated() const {
  return std::ranges::any_of(enclosures_, [](const Enclosure* enclosure) { return enclosure->Populated(); });
}

bool KillSweep::KillEnclosed(Deadline deadline) {
  do {
    for (const auto* enclosure : enclosures_) enclosure->Kill();
    if (!CollectFor(kCalm)) return false;
  } while (Populated() && Clock::now() < deadline);
  return true;
}

bool KillSweep::Chase(Deadline until) {
  if (process::SwitchedOff("chase")) return true;
  if (finder_.root() != ::getpid()) {
    while (Clock::now() < until) {
      for (const pid_t pid : finder_.proc().NewestPids(kNewest)) static_cast<void>(Kill(pid));
    }
    return true;
  }
  for (int round = 0; round < kChases || Clock::now() < until; ++round) {
    if (!collect_() && !Populated()) return false;
    const auto children = finder_.proc().Children(::getpid());
    if (children.empty() || children.size() > kChainWidth) return true;
    for (const pid_t pid : children) static_cast<void>(Kill(pid));
  }
  return true;
}

void KillSweep::Sweep(Deadline deadline) {
  for (const auto* enclosure : enclosures_) enclosure->Kill();
  const Precedence precedence;
  std::vector<pid_t> seen;
  for (int quiet = 0; quiet < 2 && Clock::now() < deadline;) quiet = Pass(seen) == 0 ? quiet + 1 : 0;
  // What the tag does not show: a process whose limit was changed, or a run within the run.
  TreeSignal signal(finder_, leader_);
  for (const auto& member : finder_.FindThoroughly()) {
    if (!member.zombie() && std::ranges::find(seen, member.pid) == seen.end()) signal.SendTo(member.pid, SIGKILL);
  }
}

std::vector<pid_t> KillSweep::Members() const {
  if (finder_.tag()) return finder_.Tagged();
  std::vector<pid_t> pids;
  for (const auto& member : finder_.FindThoroughly()) pids.push_back(member.pid);
  return pids;
}

std::optional<bool> KillSweep::Kill(pid_t pid) const {
  const auto pidfd = process::Pidfd::Open(pid);
  if (!pidfd.ok() || !finder_.Contains(pid)) return std::nullopt;
  // Its group first where it leads one: that takes the whole group in one step that no fork can slip through.
  if (!process::SwitchedOff("group")) static_cast<void>(pidfd->SignalGroup(SIGKILL));
  return !pidfd->Ended() && pidfd->Signal(SIGKILL) == 0;
}

std::size_t KillSweep::Pass(std::vector<pid_t>& seen) {
  const std::unordered_set<pid_t> known(seen.begin(), seen.end());
  std::size_t killed = 0;
  for (const pid_t pid : Members()) {
    if (known.contains(pid)) continue;
    const auto was_alive = Kill(pid);
    if (!was_alive) continue;
    seen.push_back(pid);
    if (*was_alive) ++killed;
  }
  return killed;
}

bool KillSweep::CollectFor(Duration time) {
  const auto until = Clock::now() + time;
  for (Duration pause = 20us;; pause = std::min<Duration>(pause * 2, 500us)) {
    if (!collect_() && !Populated()) return false;
    if (Clock::now() >= until) return true;
    Pause(pause);
  }
}

std::vector<Survivor> KillSweep::Survivors() const {
  std::vector<Survivor> survivors;
  TreeSignal signal(finder_, leader_);
  for (const auto& member : finder_.FindThoroughly()) {
    auto info = finder_.proc().Describe(member.pid);
    if (!info) continue;
    std::string reason;
    const int error = member.zombie() ? 0 : signal.SendTo(member.pid, SIGKILL);
    if (error == ESRCH) continue;
    if (error != 0) {
      reason = process::ErrnoName(error) + ": runs as uid " + std::to_string(info->uid);
    } else if (member.zombie()) {
      reason = "zombie that its parent " + std::to_string(member.ppid) + " does not collect";
    } else if (member.state == 'D') {
      reason = "uninterruptible sleep in " + finder_.proc().WaitChannel(member.pid);
    } else {
      reason = "killed, and not gone yet";
    }
    survivors.push_back({std::move(*info), std::move(reason)});
  }
  return survivors;
}

}  // namespace curfew::containment
