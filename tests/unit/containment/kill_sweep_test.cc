// SPDX-License-Identifier: Apache-2.0
#include "containment/kill_sweep.h"

#include <gmock/gmock.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>

#include "containment/stop_routine.h"
#include "process/file_descriptor.h"
#include "shared_counter.h"
#include "warden_process.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Fork;
using curfew::testing::ReadyAndPause;
using curfew::testing::RunAsWarden;
using curfew::testing::SharedCounter;
using curfew::testing::TellReady;
using curfew::testing::WardenProcess;
using Search = WardenProcess::Search;

std::vector<Survivor> Sweep(WardenProcess& warden, Duration timeout = 20s) {
  KillSweep sweep(warden.finder, &warden.leader, [&warden] { return warden.reaper->Collect(); });
  return sweep.Run(std::chrono::steady_clock::now() + timeout);
}

// Looking takes the longer, the more a chain or a bomb has begun.
TEST(KillSweepEnclosureTest, IsKilledBeforeAnybodyIsCollectedOrLookedFor) {
  struct Leaf : Enclosure {
    void Kill() const override { killed = true; }
    [[nodiscard]] bool Populated() const override { return false; }
    mutable bool killed = false;
  } const leaf;
  const procfs::Proc nobody("/proc/none");
  const TreeFinder finder(nobody, ::getpid(), std::nullopt);
  bool asked = false;
  KillSweep sweep(finder, nullptr, [&] {
    EXPECT_TRUE(leaf.killed) << "it was looked at first";
    asked = true;
    return false;
  }, {&leaf});
  EXPECT_THAT(sweep.Run(std::chrono::steady_clock::now() + 20s), ::testing::IsEmpty());
  EXPECT_TRUE(asked);
}

class KillSweepTest : public ::testing::TestWithParam<Search> {};
INSTANTIATE_TEST_SUITE_P(Searches, KillSweepTest, ::testing::Values(Search::kTagAndLineage, Search::kLineage),
                         [](const auto& tested) {
                           return tested.param == Search::kLineage ? "LineageOnly" : "TagAndLineage";
                         });

// One process at a time, each in a session of its own, gone before it can be looked at. An alarm ends with each link,
// so the chain has a bound and a time of its own.
constexpr int kLinks = 400'000;

SharedCounter& LaunchAForkChain(WardenProcess& warden) {
  static SharedCounter links;
  const auto until = std::chrono::steady_clock::now() + 40s;
  warden.Launch([until] {
    TellReady();
    while (links.Next() < kLinks && std::chrono::steady_clock::now() < until) {
      if (::fork() != 0) ::_exit(0);
      ::setsid();
    }
  });
  warden.AwaitReady(1);
  return links;
}

void EndAForkChain(WardenProcess& warden) {
  const SharedCounter& links = LaunchAForkChain(warden);
  const auto survivors = Sweep(warden);
  warden.Check(survivors.empty(), std::to_string(survivors.size()) + " survivors");
  warden.Check(warden.reaper->nothing_left(), "there is a child left");
  warden.Check(links.count() < kLinks, "the chain ended by itself, which shows nothing");
}

TEST_P(KillSweepTest, AForkChainEnds) { EXPECT_EQ(RunAsWarden(EndAForkChain, GetParam()), ""); }

// Thousands of dead that nobody collects, as on a machine where some parent never waits: each listing of /proc takes
// longer than a link of a chain lives, on a quiet machine as well.
class CrowdedTable {
 public:
  CrowdedTable() {
    int ready[2];
    int over[2];
    if (::pipe2(ready, O_CLOEXEC) != 0 || ::pipe2(over, O_CLOEXEC) != 0)
      throw std::runtime_error("no pipes for a crowd");
    parent_ = Fork([&] {
      ::close(over[1]);
      constexpr int kDead = 4000;
      for (int i = 0; i < kDead; ++i) {
        if (::vfork() == 0) ::_exit(0);
      }
      static_cast<void>(!::write(ready[1], "", 1));
      char byte = 0;
      static_cast<void>(!::read(over[0], &byte, 1));  // ends with whoever holds the other end
      while (::waitpid(-1, nullptr, 0) > 0) {
      }
    });
    over_.Reset(over[1]);
    ::close(over[0]);
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("no crowd");
    ::close(ready[0]);
  }
  ~CrowdedTable() {
    over_.Reset();
    ::waitpid(parent_, nullptr, 0);
  }
  CrowdedTable(const CrowdedTable&) = delete;
  CrowdedTable& operator=(const CrowdedTable&) = delete;

 private:
  pid_t parent_ = 0;
  process::FileDescriptor over_;
};

TEST_P(KillSweepTest, AForkChainEndsInACrowdedTableToo) {
  const CrowdedTable crowd;
  EXPECT_EQ(RunAsWarden(EndAForkChain, GetParam()), "");
}

// A listing may come upon the living link all the same, the more easily the slower the chain: one that gets away will
// do. By tag a listing is quick, and on some machines none does.
TEST(KillSweepChaseTest, WithoutItAForkChainOutrunsEveryListingByLineage) {
  const auto body = [](WardenProcess& warden) {
    constexpr int kChains = 10;
    bool outrun = false;
    for (int chain = 0; chain < kChains && !outrun; ++chain) {
      LaunchAForkChain(warden);
      ::setenv("CURFEW_TEST_DISABLE", "chase", 1);
      outrun = !Sweep(warden, 1s).empty() || !warden.reaper->nothing_left();
      ::unsetenv("CURFEW_TEST_DISABLE");
      warden.Check(Sweep(warden).empty(), "survivors");
    }
    warden.Check(outrun, "each of " + std::to_string(kChains) + " chains ended without the chase");
  };
  const CrowdedTable crowd;
  EXPECT_EQ(RunAsWarden(body, Search::kLineage), "");
}

// Holds whom it is told of as a debugger does, outside of the tree, and never asks for news; until it is destroyed.
class Tracer {
 public:
  Tracer() {
    int order[2];
    int answer[2];
    if (::pipe2(order, O_CLOEXEC) != 0 || ::pipe2(answer, O_CLOEXEC) != 0)
      throw std::runtime_error("no pipes for a tracer");
    pid_ = Fork([&] {
      ::close(order[1]);
      pid_t traced = 0;
      if (::read(order[0], &traced, sizeof traced) != sizeof traced) ::_exit(0);
      const char seized = ::ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) == 0 ? 'y' : 'n';
      static_cast<void>(!::write(answer[1], &seized, 1));
      static_cast<void>(!::read(order[0], &traced, sizeof traced));  // ends with whoever holds the other end
    });
    ::close(order[0]);
    ::close(answer[1]);
    order_.Reset(order[1]);
    answer_.Reset(answer[0]);
  }
  ~Tracer() {
    order_.Reset();  // of this process: whoever it has forked meanwhile has to be gone
    ::waitpid(pid_, nullptr, 0);
  }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // False where ptrace(2) is not allowed.
  [[nodiscard]] bool Seize(pid_t pid) const {
    char seized = 0;
    return ::write(order_.get(), &pid, sizeof pid) == sizeof pid && ::read(answer_.get(), &seized, 1) == 1 &&
           seized == 'y';
  }

 private:
  pid_t pid_ = 0;
  process::FileDescriptor order_;
  process::FileDescriptor answer_;
};

// wait(2) does not give a dead child to its parent before its tracer has heard of it. That is told, and not waited for
// until the deadline, which lies behind the end of this warden's patience.
TEST_P(KillSweepTest, AZombieThatItsTracerHoldsIsNamedBeforeTheDeadline) {
  Tracer tracer;
  const auto body = [&tracer](WardenProcess& warden) {
    warden.Launch([] { ReadyAndPause(); });
    warden.AwaitReady(1);
    if (!tracer.Seize(warden.leader.pid())) return warden.Check(Sweep(warden).empty(), "survivors");
    const auto survivors = Sweep(warden, 10min);
    warden.Check(survivors.size() == 1 && survivors.front().process.zombie(), "not told");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

// Every member begins more of its kind, each in a session of its own.
[[noreturn]] void Multiply(const SharedCounter& born, int bound) {
  while (born.Next() < bound) {
    if (::fork() == 0) {
      ::setsid();
      ::alarm(30);
    }
  }
  for (;;) ::pause();
}

TEST_P(KillSweepTest, AForkBombEnds) {
  constexpr int kBound = 1500;
  const auto body = [](WardenProcess& warden) {
    const SharedCounter born;
    warden.Launch([&born] {
      TellReady();
      Multiply(born, kBound);
    });
    warden.AwaitReady(1);
    while (born.count() < 50) ::usleep(50);
    const auto survivors = Sweep(warden);
    warden.Check(survivors.empty(), std::to_string(survivors.size()) + " survivors");
    warden.Check(warden.reaper->nothing_left(), "there is a child left");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

// A tree of another user, as a server begun by sudo: named with the reason, and not tried for ever.
TEST_P(KillSweepTest, WhoRefusesTheSignalIsNamedWithHisUid) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root, to give root's rights up";
  const auto body = [](WardenProcess& warden) {
    constexpr uid_t kNobody = 65534;
    warden.Launch([] {
      Fork([] { ::_exit(0); });  // a zombie, as long as its parent lives
      ReadyAndPause();
    });
    warden.AwaitReady(1);
    warden.Check(::setresuid(kNobody, kNobody, 0) == 0, "setresuid");
    const auto began = std::chrono::steady_clock::now();
    const auto survivors = Sweep(warden);
    warden.Check(std::chrono::steady_clock::now() - began < 10s, "it tried to the end");
    std::string reasons;
    for (const auto& survivor : survivors) {
      if (!survivor.process.zombie()) reasons += survivor.reason;
    }
    warden.CheckEqual(reasons, "EPERM: runs as uid 0");
    warden.Check(::seteuid(0) == 0, "seteuid");
    warden.Check(Sweep(warden).empty(), "now there should be nobody left");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(KillSweepTest, AnEmptyTreeIsNoWork) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {});
    warden.AwaitLeaderEnd();
    warden.Check(Sweep(warden).empty(), "there are survivors");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

}  // namespace
}  // namespace curfew::containment
