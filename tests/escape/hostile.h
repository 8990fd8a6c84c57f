// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the parts of `hostile` share: the page that bounds it, forks that count, and children that say when they are in
// place. Nothing of Curfew: it stands for the servers of strangers, at their worst.

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>

namespace hostile {

// The first page of the marker file, mapped shared by every process of the tree: a budget that survives fork and exec,
// and at the same time the mark by which the driver knows the processes (/proc/PID/fd and /proc/PID/maps).
struct Page {
  std::atomic<int> born;
  std::atomic<int> in_place;   // who has finished escaping
  std::atomic<int> let_loose;  // the stop has begun: swarms may grow again
};

// More than any behaviour needs; a runaway ends here, whatever else goes wrong. And nobody lives longer.
inline constexpr int kBirths = 20'000;
inline constexpr unsigned kLifetimeSeconds = 90;

// Opens and maps the marker that ESCAPE_MARKER names, or that the descriptor kMarkerFd is, and arms the self-destruct.
void Begin();
inline constexpr int kMarkerFd = 100;
[[nodiscard]] Page& ThePage();

// SIGALRM ends this process after kLifetimeSeconds. Not inherited by a fork: everybody arms its own.
void ArmSelfDestruct();
// fork(2), counted and armed. -1 when the budget is used up.
[[nodiscard]] pid_t Fork(int budget = kBirths);
// clone(2) without a stack, as a fork with other flags.
[[nodiscard]] pid_t Clone(unsigned long flags);

// Begins a child that does `escape`, says that it is in place, then does `live` (for ever, by default).
[[noreturn]] void Idle();
void Child(
    const std::function<void()>& escape, const std::function<void()>& live = [] { Idle(); });
// The same as a grandchild in a session of its own whose parent has ended.
void Daemon(
    const std::function<void()>& escape, const std::function<void()>& live = [] { Idle(); });
void SayInPlace();
// Waits until so many are in place. Ends the process (and so the test, as "died early") if that never comes.
void AwaitInPlace(int count);

[[nodiscard]] std::string Variable(const char* name);
void Pause(int milliseconds);
void IgnoreStopSignals();

// Forks a successor in `session`s of its own or not, exits, and so on.
[[noreturn]] void RunAway(bool sessions);
// Grows to a modest size, then, once let loose, forks without rest. With another uid to hold it, under RLIMIT_NPROC.
[[noreturn]] void Swarm(bool sessions);

}  // namespace hostile
