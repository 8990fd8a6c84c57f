// SPDX-License-Identifier: Apache-2.0
// Trees with something about them: daemons, workers that outlive their leader, latecomers, lost main threads.
#include <gmock/gmock.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "containment/stop_routine.h"
#include "warden_process.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Fork;
using curfew::testing::Ignore;
using curfew::testing::Needs;
using curfew::testing::ReadyAndPause;
using curfew::testing::RunAsWarden;
using curfew::testing::TellReady;
using curfew::testing::WardenProcess;
using Search = WardenProcess::Search;

constexpr auto kLong = 600s;  // where it takes none, so that the wrong way hangs

class OddTreeTest : public ::testing::TestWithParam<Search> {};
INSTANTIATE_TEST_SUITE_P(Searches, OddTreeTest, ::testing::Values(Search::kTagAndLineage, Search::kLineage),
                         [](const auto& tested) {
                           return tested.param == Search::kLineage ? "LineageOnly" : "TagAndLineage";
                         });

void LaunchDaemon(WardenProcess& warden) {
  warden.Launch([] {
    Fork([] {
      ::setsid();
      Fork([] { ReadyAndPause(); });
    });
    ReadyAndPause();
  });
  warden.AwaitReady(2);
  // The one between them stays a zombie of the leader; what counts is that the daemon has been adopted.
  const auto adopted = [&warden](const procfs::Stat& member) {
    return member.ppid == ::getpid() && member.pid != warden.leader.pid();
  };
  while (std::ranges::none_of(warden.finder.FindThoroughly(), adopted)) ::usleep(200);
}

TEST_P(OddTreeTest, ADaemonIsAnOrphanAndTold) {
  const auto body = [](WardenProcess& warden) {
    LaunchDaemon(warden);
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.Check(result.orphans.size() == 1, std::to_string(result.orphans.size()) + " orphans");
    if (result.orphans.size() != 1) return;
    const auto text = result.orphans.front().ToString();
    warden.Check(text.find("its parent is gone") != std::string::npos, text);
    warden.Check(text.find("own session") != std::string::npos, text);
    warden.Check(result.orphans.front().reaped, text);
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(OddTreeTest, ADaemonOfAServerThatDaemonizesIsNone) {
  const auto body = [](WardenProcess& warden) {
    LaunchDaemon(warden);
    const auto result = warden.Stop({{{SIGTERM, kLong}}}, true);
    warden.Check(result.orphans.empty(), "there are orphans");
    warden.CheckEqual(Needs(result), "15 x 2");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(OddTreeTest, WorkersOfADeadLeaderAreStoppedThroughItsGroup) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] { ReadyAndPause(); });
      Fork([] { ReadyAndPause(); });
      ::_exit(3);
    });
    warden.AwaitReady(2);
    warden.AwaitLeaderEnd();
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "15 x 2");
    warden.Check(result.leader == ExitStatus::Exited(3), result.ToString());
    warden.Check(result.orphans.empty(), "they had not left");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

// What the leader begins when it is told to end is not in the snapshot, yet whoever kills it has to say so.
TEST_P(OddTreeTest, ALatecomerThatHadToBeKilledIsNamed) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      sigset_t term;
      sigemptyset(&term);
      sigaddset(&term, SIGTERM);
      ::sigprocmask(SIG_BLOCK, &term, nullptr);
      TellReady();
      int signal = 0;
      ::sigwait(&term, &signal);
      Fork([] {
        Ignore(SIGTERM);
        ReadyAndPause();
      });
    });
    warden.AwaitReady(1);
    const auto result = warden.Stop({{{SIGTERM, 3s}}});
    warden.CheckEqual(Needs(result), "9 x 1, 15 x 1");
    warden.Check(!result.graceful(), "that was not graceful");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

// A process goes on without its main thread, though /proc says Z of it.
TEST_P(OddTreeTest, AProcessWhoseMainThreadHasEndedIsNoZombie) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      pthread_t thread{};
      ::pthread_create(
          &thread, nullptr, [](void*) -> void* { ReadyAndPause(); }, nullptr);
      ::syscall(SYS_exit, 0);  // pthread_exit(3) would unwind into the test framework
    });
    warden.AwaitReady(1);
    while (!warden.proc.ReadCommand(warden.leader.pid()).empty())
      ::usleep(100);  // the main thread took it along
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "15 x 1");
    warden.Check(result.leader == ExitStatus::KilledBy(SIGTERM), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(OddTreeTest, NothingToStopIsNothingSignalled) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] { ::_exit(4); });
    warden.AwaitLeaderEnd();
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "");
    warden.Check(result.leader == ExitStatus::Exited(4), result.ToString());
    warden.Check(result.graceful(), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

}  // namespace
}  // namespace curfew::containment
