// SPDX-License-Identifier: Apache-2.0
// The whole stop on real trees. Graces are long where the right way needs none of them, so that the wrong way
// hangs and is ended by an alarm; no upper bound on time is asserted.
#include "containment/stop_routine.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

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

constexpr auto kLong = 600s;
constexpr auto kShort = 3s;

class StopTest : public ::testing::TestWithParam<Search> {};
INSTANTIATE_TEST_SUITE_P(Searches, StopTest, ::testing::Values(Search::kTagAndLineage, Search::kLineage),
                         [](const auto& tested) {
                           return tested.param == Search::kLineage ? "LineageOnly" : "TagAndLineage";
                         });

TEST_P(StopTest, WholeTreeEndsOnTheFirstSignalWhereverItsMembersMoved) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] { ReadyAndPause(); });
      Fork([] {
        ::setpgid(0, 0);
        ReadyAndPause();
      });
      Fork([] {
        ::setsid();
        Fork([] { ReadyAndPause(); });
        ReadyAndPause();
      });
      ReadyAndPause();
    });
    warden.AwaitReady(5);
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "15 x 5");
    warden.Check(result.graceful() && result.survivors.empty() && result.orphans.empty(), result.ToString());
    warden.Check(result.leader == ExitStatus::KilledBy(SIGTERM), "the leader ended otherwise");
    for (const auto& stopped : result.processes) {
      warden.Check(stopped.status == ExitStatus::KilledBy(SIGTERM), "a member's status is not known");
    }
    warden.Check(warden.reaper->nothing_left(), "there is a child left");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, StoppedMembersHearTheSignal) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] {
        ::setsid();
        TellReady();
        ::raise(SIGSTOP);
        ReadyAndPause();
      });
      TellReady();
      ::raise(SIGSTOP);
      ReadyAndPause();
    });
    warden.AwaitReady(2);
    for (const auto& member : warden.finder.FindThoroughly()) warden.AwaitState(member.pid, 'T');
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "15 x 2");
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, WhoHasChangedItsTagHearsTheSignalAndSoDoWhomItBegins) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] {
        ::setsid();
        const rlimit other{7, 7};
        ::setrlimit(RLIMIT_LOCKS, &other);
        Fork([] { ReadyAndPause(); });
        ReadyAndPause();
      });
      ReadyAndPause();
    });
    warden.AwaitReady(3);
    const auto result = warden.Stop({{{SIGTERM, kLong}}});
    warden.CheckEqual(Needs(result), "15 x 3");
    warden.Check(result.graceful(), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, WhoIgnoresTheSignalIsKilledAndNamed) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] {
        ::setsid();
        Ignore(SIGTERM);
        ReadyAndPause();
      });
      Fork([] { ReadyAndPause(); });
      ReadyAndPause();
    });
    warden.AwaitReady(3);
    const auto result = warden.Stop({{{SIGTERM, kShort}}});
    warden.CheckEqual(Needs(result), "9 x 1, 15 x 2");
    warden.Check(!result.graceful(), "that was not graceful");
    warden.Check(result.survivors.empty(), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, EachRungIsForThoseWhoOutlivedTheOneBefore) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] {
        Ignore(SIGINT);
        ReadyAndPause();
      });
      Fork([] {
        Ignore(SIGINT);
        Ignore(SIGTERM);
        ReadyAndPause();
      });
      ReadyAndPause();
    });
    warden.AwaitReady(3);
    const auto result = warden.Stop({{{SIGINT, kShort}, {SIGTERM, kShort}, {SIGQUIT, kLong}}});
    warden.CheckEqual(Needs(result), "2 x 1, 3 x 1, 15 x 1");
    warden.Check(result.graceful(), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, NoStepsMeansKilledAtOnce) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      Fork([] {
        ::setsid();
        ReadyAndPause();
      });
      ReadyAndPause();
    });
    warden.AwaitReady(2);
    const auto result = warden.Stop({.steps = {}});
    warden.CheckEqual(Needs(result), "9 x 2");
    warden.Check(result.leader == ExitStatus::KilledBy(SIGKILL), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

TEST_P(StopTest, ASignalForTheLeaderAloneLeavesTheRestToIt) {
  const auto body = [](WardenProcess& warden) {
    warden.Launch([] {
      sigset_t term;
      sigemptyset(&term);
      sigaddset(&term, SIGTERM);
      ::sigprocmask(SIG_BLOCK, &term, nullptr);
      const pid_t worker = Fork([] { ReadyAndPause(); });
      TellReady();
      int signal = 0;
      ::sigwait(&term, &signal);
      ::kill(worker, SIGUSR1);
      ::_exit(5);
    });
    warden.AwaitReady(2);
    const auto result = warden.Stop({{{SIGTERM, kLong, StopStep::To::kLeader}}});
    warden.CheckEqual(Needs(result), "0 x 1, 15 x 1");
    warden.Check(result.leader == ExitStatus::Exited(5), result.ToString());
    warden.Check(result.graceful(), result.ToString());
  };
  EXPECT_EQ(RunAsWarden(body, GetParam()), "");
}

}  // namespace
}  // namespace curfew::containment
