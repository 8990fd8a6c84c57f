// SPDX-License-Identifier: Apache-2.0
#include "containment/tree_signal.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "child.h"
#include "warden_process.h"

namespace curfew::containment {
namespace {

using curfew::testing::Child;
using curfew::testing::Fork;
using curfew::testing::ReadyAndPause;
using curfew::testing::RunAsWarden;
using curfew::testing::TellReady;
using curfew::testing::WardenProcess;
using Search = WardenProcess::Search;

class TreeSignalTest : public ::testing::TestWithParam<Search> {};
INSTANTIATE_TEST_SUITE_P(Searches, TreeSignalTest,
                         ::testing::Values(Search::kTagAndLineage, Search::kLineage), [](const auto& tested) {
                           return tested.param == Search::kLineage ? "LineageOnly" : "TagAndLineage";
                         });

bool Alive(const procfs::Proc& proc, pid_t pid) {
  const auto stat = proc.ReadStat(pid);
  return stat && !stat->zombie();
}

// A stranger leads a process group, which a member of the tree has joined: the member is signalled, the group
// not.
TEST_P(TreeSignalTest, AStrangerInTheGroupOfAMemberIsLeftAlone) {
  const Child stranger([] {
    ::setpgid(0, 0);
    ::alarm(40);
    return ::pause();
  });
  while (::getpgid(stranger.pid()) != stranger.pid()) ::usleep(100);
  const auto body = [&stranger](WardenProcess& warden) {
    warden.Check(::setpgid(0, stranger.pid()) == 0, "the warden could not join");
    warden.Launch(
        [&stranger] {
          Fork([&stranger] {
            if (::setpgid(0, stranger.pid()) == 0) ReadyAndPause();
          });
          ReadyAndPause();
        },
        false);
    warden.AwaitReady(2);
    const auto refused = TreeSignal(warden.finder, &warden.leader).Send(warden.finder.Find(), SIGKILL);
    warden.Check(refused.empty(), "somebody refused");
    while (warden.reaper->Collect()) ::usleep(200);
    warden.Check(Alive(warden.proc, stranger.pid()), "the stranger was killed");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
  const procfs::Proc proc;
  EXPECT_TRUE(Alive(proc, stranger.pid()));
}

// Whatever list it is given.
TEST_P(TreeSignalTest, NobodyOutsideTheTreeIsSignalledThoughNamed) {
  const Child stranger([] {
    ::alarm(40);
    return ::pause();
  });
  const auto body = [&stranger](WardenProcess& warden) {
    warden.Launch([] { ReadyAndPause(); });
    warden.AwaitReady(1);
    TreeSignal signal(warden.finder, &warden.leader);
    warden.Check(signal.SendTo(stranger.pid(), SIGKILL) == ESRCH, "the stranger was signalled");
    warden.Check(signal.SendTo(::getpid(), 0) == ESRCH, "the warden is no member of its tree");
    warden.Check(signal.SendTo(0, SIGKILL) != 0 && signal.SendTo(-1, SIGKILL) != 0, "0 and -1 mean many");
    const auto named = warden.proc.ReadStat(stranger.pid());
    warden.Check(named && signal.Send({*named}, SIGKILL).empty(), "gone is no refusal");
    warden.Check(Alive(warden.proc, stranger.pid()), "the stranger was killed");
    warden.Check(signal.SendTo(warden.leader.pid(), SIGKILL) == 0, "the leader is a member");
    while (warden.reaper->Collect()) ::usleep(200);
    warden.Check(signal.SendTo(warden.leader.pid(), SIGKILL) == ESRCH, "it is gone");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

// A server that counts its SIGHUPs must count one.
TEST_P(TreeSignalTest, EachMemberGetsTheSignalOnce) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      sigset_t queued;
      sigemptyset(&queued);
      sigaddset(&queued, SIGRTMIN);  // real-time signals queue, so two would be counted as two
      ::sigprocmask(SIG_BLOCK, &queued, nullptr);
      const auto count_one = [&queued] {
        TellReady();
        int signal = 0;
        ::sigwait(&queued, &signal);
        TellReady();
        const timespec moment{0, 100'000'000};
        if (::sigtimedwait(&queued, nullptr, &moment) == SIGRTMIN) ::_exit(2);
      };
      const pid_t children[] = {Fork(count_one), Fork([&] {
                                  ::setsid();
                                  count_one();
                                }),
                                Fork([&] {
                                  ::setpgid(0, 0);
                                  count_one();
                                })};
      count_one();
      for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0) ::_exit(3);
      }
    });
    warden.AwaitReady(4);
    TreeSignal(warden.finder, &warden.leader).Send(warden.finder.Find(), SIGRTMIN);
    warden.AwaitReady(4);
    warden.AwaitLeaderEnd();
    warden.CheckEqual(warden.reaper->leader_status()->ToString(), "exited with status 0");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

}  // namespace
}  // namespace curfew::containment
