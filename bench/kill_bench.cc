// SPDX-License-Identifier: Apache-2.0
// What it takes to end a tree of 200 processes, half of them in sessions of their own, until the last is collected:
//   BareCgroup   cgroup.kill and a loop of waitpid(2): the floor, for nobody else sees the whole tree at once
//   Leaf         KillSweep with the leaf
//   TagAndTree   KillSweep without: by tag and lineage alone
//   Sealed       KillSweep with a seal
#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "containment/cgroup_home.h"
#include "containment/cgroup_leaf.h"
#include "containment/enclosure.h"
#include "containment/kill_sweep.h"
#include "containment/reaper.h"
#include "process/raw_fork.h"

namespace {

using namespace curfew;
using Clock = std::chrono::steady_clock;
constexpr int kProcesses = 200;

const procfs::Proc kProc;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// The first of them; the others are its children, every second one in a session of its own.
[[noreturn]] void Grow(int ready, process::Tag tag) {
  ::alarm(60);
  if (process::ApplyTag(tag) != 0) ::_exit(1);
  ::setsid();
  for (int i = 1; i < kProcesses; ++i) {
    if (::fork() != 0) continue;
    ::alarm(60);
    if (i % 2 == 0) ::setsid();
    [[maybe_unused]] const auto told = ::write(ready, "r", 1);
    for (;;) ::pause();
  }
  [[maybe_unused]] const auto told = ::write(ready, "r", 1);
  for (;;) ::pause();
}

// Begins the tree and times how long `end` takes to see it gone.
double TimeEnd(process::Tag tag, int cgroup, const process::Seal* seal, const std::function<void(pid_t)>& end) {
  int pipe[2];
  if (::pipe(pipe) != 0) return 0;
  pid_t leader = 0;
  if (seal == nullptr) {
    leader = process::RawFork(0, cgroup);
    if (leader == 0) Grow(pipe[1], tag);
  } else {
    const pid_t between = ::fork();
    if (between == 0) {
      if (process::EnterForChildren(*seal) != 0) ::_exit(1);
      if (process::RawFork(0x8000 /* CLONE_PARENT */) == 0) Grow(pipe[1], tag);
      ::_exit(0);
    }
    ::waitpid(between, nullptr, 0);
  }
  char byte = 0;
  for (int ready = 0; ready < kProcesses;) ready += ::read(pipe[0], &byte, 1) == 1 ? 1 : 0;
  const auto began = Clock::now();
  end(leader);
  const double took = Seconds(Clock::now() - began);
  ::close(pipe[0]);
  ::close(pipe[1]);
  return took;
}

process::Tag NewTag() { return process::Tag::ForNewRun(process::TagCeiling()).value().WithSlot(3); }

std::optional<containment::CgroupLeaf> NewLeaf(benchmark::State& state) {
  static int serial = 0;
  const auto home = containment::FindOwnCgroup();
  auto leaf = home.ok() ? containment::CgroupLeaf::Make(
                              *home, "curfew-bench" + std::to_string(::getpid()) + "-0-" + std::to_string(++serial))
                        : home.failure();
  if (leaf.ok()) return std::move(*leaf);
  state.SkipWithError(leaf.failure().ToString().c_str());
  return std::nullopt;
}

void Sweep(process::Tag tag, pid_t leader, const containment::Enclosure* enclosure, const process::Seal* seal,
           const containment::CgroupLeaf* leaf) {
  containment::TreeFinder finder(kProc, ::getpid(), tag);
  if (seal != nullptr) finder.AddInit(seal->init().pid());
  if (leaf != nullptr) finder.AddLeaf(*leaf);
  containment::Reaper reaper(leader, seal);
  std::vector<const containment::Enclosure*> enclosures;
  if (enclosure != nullptr) enclosures.push_back(enclosure);
  containment::KillSweep sweep(finder, nullptr, [&reaper] { return reaper.Collect(); }, enclosures);
  if (!sweep.Run(Clock::now() + std::chrono::seconds(10)).empty()) std::abort();
}

void BareCgroup(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto leaf = NewLeaf(state);
    if (!leaf) return;
    state.SetIterationTime(TimeEnd(NewTag(), leaf->fd(), nullptr, [&leaf](pid_t) {
      leaf->Kill();
      while (::waitpid(-1, nullptr, __WALL) > 0 || errno != ECHILD) {
      }
    }));
    leaf->Remove();
  }
}

void Leaf(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto leaf = NewLeaf(state);
    if (!leaf) return;
    const auto tag = NewTag();
    state.SetIterationTime(TimeEnd(tag, leaf->fd(), nullptr,
                                   [&](pid_t leader) { Sweep(tag, leader, &*leaf, nullptr, &*leaf); }));
    leaf->Remove();
  }
}

void TagAndTree(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto tag = NewTag();
    state.SetIterationTime(
        TimeEnd(tag, -1, nullptr, [&](pid_t leader) { Sweep(tag, leader, nullptr, nullptr, nullptr); }));
  }
}

void Sealed(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto seal = process::Seal::Make();
    if (!seal.ok()) {
      state.SkipWithError(seal.failure().ToString().c_str());
      return;
    }
    const auto tag = NewTag();
    const containment::SealEnclosure enclosure(*seal);
    state.SetIterationTime(
        TimeEnd(tag, -1, &*seal, [&](pid_t leader) { Sweep(tag, leader, &enclosure, &*seal, nullptr); }));
  }
}

BENCHMARK(BareCgroup)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(5)->Repetitions(15);
BENCHMARK(Leaf)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(5)->Repetitions(15);
BENCHMARK(TagAndTree)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(5)->Repetitions(15);
BENCHMARK(Sealed)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(5)->Repetitions(15);

// Keeps the medians, to give the ratios.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const auto& run : runs) {
      if (run.aggregate_name == "median") medians_[run.run_name.function_name] = run.GetAdjustedRealTime();
    }
  }
  void Ratios() const {
    if (!medians_.contains("BareCgroup")) return;
    for (const auto& [name, time] : medians_) {
      std::printf("%-12s %8.1f us, %.2f of the floor\n", name.c_str(), time, time / medians_.at("BareCgroup"));
    }
  }

 private:
  std::map<std::string, double> medians_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  if (containment::BecomeSubreaper() != 0) return 1;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.Ratios();
  return 0;
}
