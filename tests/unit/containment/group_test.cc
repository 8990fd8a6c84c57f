// SPDX-License-Identifier: Apache-2.0
// A signal to a group reaches also a member that no listing had shown, because it was born after it; a signal to each
// listed member does not.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "child.h"
#include "containment/tree_signal.h"
#include "process/pidfd.h"

namespace curfew::containment {
namespace {

using curfew::testing::Child;

// A leader of a group of its own and its child in that group, which the listing below leaves out.
class GroupTest : public ::testing::Test {
 protected:
  GroupTest() {
    EXPECT_EQ(::pipe(ends_), 0);
    leader_.emplace([this] {
      ::alarm(60);
      ::setpgid(0, 0);
      const pid_t newborn = ::fork();
      if (newborn == 0) {
        ::alarm(60);
        for (;;) ::pause();
      }
      [[maybe_unused]] const auto told = ::write(ends_[1], &newborn, sizeof newborn);
      return ::pause();
    });
    EXPECT_EQ(::read(ends_[0], &newborn_, sizeof newborn_), static_cast<ssize_t>(sizeof newborn_));
    pinned_ = std::move(*process::Pidfd::Open(newborn_));
  }
  ~GroupTest() override {
    static_cast<void>(pinned_.Signal(SIGKILL));
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void KillWhatTheListingShows() {
    const TreeFinder finder(proc_, ::getpid(), std::nullopt);
    const std::vector<procfs::Stat> listed = {proc_.ReadStat(leader_->pid()).value()};
    TreeSignal(finder, nullptr).Send(listed, SIGKILL);
    leader_->WaitUntilZombie();
  }
  bool NewbornEnds() {
    pollfd ended{pinned_.get(), POLLIN, 0};
    return ::poll(&ended, 1, 30'000) == 1;
  }

  procfs::Proc proc_;
  int ends_[2] = {-1, -1};
  std::optional<Child> leader_;
  pid_t newborn_ = 0;
  process::Pidfd pinned_;
};

TEST_F(GroupTest, ASignalToTheGroupReachesWhoWasBornAfterTheListing) {
  KillWhatTheListingShows();
  EXPECT_TRUE(NewbornEnds());
}

TEST_F(GroupTest, WithoutGroupsTheNewbornIsMissed) {
  ::setenv("CURFEW_TEST_DISABLE", "group", 1);
  KillWhatTheListingShows();
  ::unsetenv("CURFEW_TEST_DISABLE");
  EXPECT_FALSE(pinned_.Ended());
}

}  // namespace
}  // namespace curfew::containment
