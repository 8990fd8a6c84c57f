// SPDX-License-Identifier: Apache-2.0
#include "containment/living.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "containment/kill_sweep.h"
#include "shared_counter.h"
#include "warden_process.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
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

}  // namespace
}  // namespace curfew::containment
