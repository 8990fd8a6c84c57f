// SPDX-License-Identifier: Apache-2.0
// What servers that are meant to live on leave beside them.
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "leaks/leak_checker.h"
#include "strays.h"

namespace curfew::leaks {
namespace {

using curfew::testing::ForkBelow;
using curfew::testing::Stray;
using curfew::testing::TakeTag;
using process::Tag;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A stand-in for a warden, with a leader below it that has a worker, and a daemon the leader has left behind.
class ServerLeaksTest : public ::testing::Test {
 protected:
  ServerLeaksTest() : baseline_(checker_.TakeBaseline({}, {})) {
    int told[2];
    if (::pipe(told) != 0) std::abort();
    warden_.emplace(Stray::Where::kOrphan, [this, &told] {
      ::prctl(PR_SET_CHILD_SUBREAPER, 1);
      TakeTag(tag_.WithSlot(Tag::kCurfew));
      const auto tell = [&told] {
        const pid_t self = ::getpid();
        if (::write(told[1], &self, sizeof self) != sizeof self) ::_exit(1);
      };
      // Lower than the warden's: a limit goes down only.
      ForkBelow([this, &tell] {
        TakeTag(tag_.WithSlot(5));
        ::setsid();
        if (::fork() == 0) {
          ::setsid();
          ForkBelow(tell);
          ::_exit(0);
        }
        ForkBelow(tell);
        tell();
      });
    });
    for (auto& pid : members_) {
      if (::read(told[0], &pid, sizeof pid) != sizeof pid) std::abort();
    }
    ::close(told[0]);
    ::close(told[1]);
    for (const pid_t pid : members_) {
      if (proc_.ReadStat(pid)->session == pid) server_.leader = pid;
    }
    server_.warden = warden_->pid();
    AwaitAdoption();
  }
  ~ServerLeaksTest() override {
    for (const pid_t pid : members_) ::kill(pid, SIGKILL);  // the warden pins them: it does not collect
  }

  // The daemon is whoever the warden has besides the leader.
  void AwaitAdoption() {
    while (daemon_ == 0) {
      for (const pid_t pid : members_) {
        if (pid != server_.leader && proc_.ReadStat(pid)->ppid == server_.warden) daemon_ = pid;
      }
      ::usleep(200);
    }
  }

  procfs::Proc proc_;
  Tag tag_ = Tag::ForNewRun(process::TagCeiling()).value();
  LeakChecker checker_{proc_, tag_.RunId(), tag_, ::getpid()};
  LeakChecker::Baseline baseline_;
  std::optional<Stray> warden_;
  pid_t members_[3] = {};
  pid_t daemon_ = 0;
  LiveServer server_{.name = "db", .tag = tag_.WithSlot(5), .warden = 0, .leader = 0, .daemonizes = false};
};

TEST_F(ServerLeaksTest, OnlyTheDaemonIsALeakAndStaysWithItsServer) {
  auto leaks = checker_.Find(baseline_, {server_});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_EQ(leaks[0].process.pid, daemon_);
  EXPECT_EQ(leaks[0].server, "db");
  EXPECT_THAT(leaks[0].evidence, ElementsAre("tag", "lineage"));
  EXPECT_THAT(leaks[0].escapes, ElementsAre(StartsWith("its parent is gone"), StartsWith("own session")));
  checker_.Reap(leaks, {server_});
  EXPECT_FALSE(leaks[0].reaped);
  EXPECT_THAT(leaks[0].why_alive, HasSubstr("still up"));
  EXPECT_FALSE(proc_.ReadStat(daemon_)->zombie());
}

TEST_F(ServerLeaksTest, AServerThatDaemonizesHasNone) {
  server_.daemonizes = true;
  EXPECT_THAT(checker_.Find(baseline_, {server_}), IsEmpty());
}

TEST_F(ServerLeaksTest, WhatTheBaselineKnowsIsToldNoMore) {
  const auto later = checker_.TakeBaseline({server_}, baseline_);
  EXPECT_TRUE(later.known.contains(daemon_));
  EXPECT_FALSE(later.known.contains(server_.warden)) << "Curfew's own is nobody's";
  EXPECT_THAT(checker_.Find(later, {server_}), IsEmpty());
}

TEST_F(ServerLeaksTest, WithItsServerEndedEverythingIsALeak) {
  auto leaks = checker_.Find(baseline_, {});
  EXPECT_THAT(leaks, SizeIs(3));
  checker_.Reap(leaks, {});
  for (const auto& leak : leaks) EXPECT_TRUE(leak.reaped) << leak;
  for (const pid_t pid : members_) {
    const auto stat = proc_.ReadStat(pid);
    EXPECT_TRUE(!stat || stat->zombie()) << pid;
  }
}

}  // namespace
}  // namespace curfew::leaks
