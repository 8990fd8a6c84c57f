// SPDX-License-Identifier: Apache-2.0
#include "containment/living.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "containment/kill_sweep.h"
#include "containment/reaper.h"
#include "process/tag.h"
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

TEST(AnythingLivesTest, AProcessDoesAndAZombieDoesNot) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] { ReadyAndPause(); });
    warden.AwaitReady(1);
    warden.Check(AnythingLives(warden.finder), "it is alive");
    static_cast<void>(warden.leader.Signal(SIGKILL));
    warden.AwaitState(warden.leader.pid(), 'Z');  // dead, and not collected
    warden.Check(!AnythingLives(warden.finder), "a zombie does not live");
  };
  EXPECT_EQ(RunAsWarden(body), "");
}

// While a chain goes on, no two passes see the same, and when there are thousands of zombies to pass none sees the one
// that lives. Waiting for calm was waiting for the end of the chain.
TEST(AnythingLivesTest, AForkChainDoes) {
  constexpr int kBound = 3000;
  const auto body = [](WardenProcess& warden) {
    const SharedCounter links;
    warden.Launch([&links] {
      for (int link = links.Next(); link < kBound; link = links.Next()) {
        if (link == kBound / 3) TellReady();
        if (::fork() != 0) ::_exit(0);
        ::setsid();
      }
    });
    warden.AwaitReady(1);
    warden.Check(AnythingLives(warden.finder), "the chain lives");
    warden.Check(links.count() < kBound, "the chain ended by itself, which shows nothing");
    KillSweep sweep(warden.finder, &warden.leader, [&warden] { return warden.reaper->Collect(); });
    warden.Check(sweep.Run(std::chrono::steady_clock::now() + 20s).empty(), "survivors");
  };
  EXPECT_EQ(RunAsWarden(body), "");
}

// A chain whose links somebody else collects the moment they end, as init does: no zombie tells of it, and what a
// listing names has ended before it is looked at.
TEST(AnythingLivesTest, AForkChainDoesThatSomebodyElseCollects) {
  constexpr int kBound = 1'000'000;
  const auto body = [](WardenProcess& warden) {
    const SharedCounter links;
    const auto until = std::chrono::steady_clock::now() + 30s;
    const pid_t collector = Fork([&links, until, tag = *warden.finder.tag()] {
      ::signal(SIGCHLD, SIG_IGN);  // wait(2): they leave no zombies then
      if (BecomeSubreaper() != 0) ::_exit(9);
      if (::fork() != 0) {
        for (;;) ::pause();
      }
      if (process::ApplyTag(tag) != 0) ::_exit(9);
      TellReady();
      while (links.Next() < kBound && std::chrono::steady_clock::now() < until) {
        if (::fork() != 0) ::_exit(0);
        ::setsid();
      }
    });
    warden.AwaitReady(1);
    const TreeFinder strays(warden.proc, 0, warden.finder.tag());
    int missed = 0;
    for (int look = 0; look < 25; ++look) missed += AnythingLives(strays) ? 0 : 1;
    warden.Check(missed == 0, "the chain was missed " + std::to_string(missed) + " times");
    KillSweep sweep(strays, nullptr, [&strays] { return AnythingLives(strays); });
    warden.Check(sweep.Run(std::chrono::steady_clock::now() + 20s).empty(), "survivors");
    const int ended_at = links.count();
    warden.Check(!AnythingLives(strays) && links.count() == ended_at, "the chain goes on");
    warden.Check(ended_at < kBound, "the chain ended by itself, which shows nothing");
    ::kill(collector, SIGKILL);  // our own child, not collected yet
    ::waitpid(collector, nullptr, 0);
  };
  EXPECT_EQ(RunAsWarden(body), "");
}

}  // namespace
}  // namespace curfew::containment
