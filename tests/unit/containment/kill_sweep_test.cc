// SPDX-License-Identifier: Apache-2.0
#include "containment/kill_sweep.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "containment/stop_routine.h"
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

// One process at a time, each in a session of its own, gone before it can be looked at.
void EndAForkChain(WardenProcess& warden) {
  constexpr int kBound = 200'000;
  const SharedCounter links;
  // An alarm ends with each link; on a starved machine the bound alone would take an hour.
  const auto until = std::chrono::steady_clock::now() + 40s;
  warden.Launch([&links, until] {
    TellReady();
    while (links.Next() < kBound && std::chrono::steady_clock::now() < until) {
      if (::fork() != 0) ::_exit(0);
      ::setsid();
    }
  });
  warden.AwaitReady(1);
  const auto survivors = Sweep(warden);
  warden.Check(survivors.empty(), std::to_string(survivors.size()) + " survivors");
  warden.Check(warden.reaper->nothing_left(), "there is a child left");
  warden.Check(links.count() < kBound, "the chain ended by itself, which shows nothing");
}

TEST_P(KillSweepTest, AForkChainEnds) { EXPECT_EQ(RunAsWarden(EndAForkChain, GetParam()), ""); }

// Processes that want every processor all the time, each in a session of its own, as the links of a chain are.
class BusyMachine {
 public:
  BusyMachine() {
    for (pid_t& pid : spinning_) {
      pid = Fork([] {
        ::setsid();
        volatile bool spinning = true;  // a loop without any access may be taken away
        while (spinning) {
        }
      });
    }
  }
  ~BusyMachine() {
    for (const pid_t pid : spinning_) {
      ::kill(pid, SIGKILL);  // our own children, not collected yet
      ::waitpid(pid, nullptr, 0);
    }
  }
  BusyMachine(const BusyMachine&) = delete;
  BusyMachine& operator=(const BusyMachine&) = delete;

 private:
  std::array<pid_t, 8> spinning_{};
};

// A sweep alone, without the precedence that root may take, reads the dead of the chain and never meets the living link.
TEST_P(KillSweepTest, AForkChainEndsOnABusyMachineToo) {
  const auto body = [](WardenProcess& warden) {
    __user_cap_header_struct version{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> capabilities{};
    ::syscall(SYS_capget, &version, capabilities.data());
    capabilities[0].effective &= ~(1U << CAP_SYS_NICE);
    warden.Check(::syscall(SYS_capset, &version, capabilities.data()) == 0, "the capability could not be given up");
    EndAForkChain(warden);
  };
  const BusyMachine busy;
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
