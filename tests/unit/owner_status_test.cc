// SPDX-License-Identifier: Apache-2.0
#include "process/owner_status.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace curfew::process {
namespace {

void AwaitEnd(const Pidfd& process) {
  pollfd entry{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
}

TEST(OwnerStatusTest, AZombieTellsHowItEnded) {
  for (const auto& [signal, expected] :
       {std::pair(0, ExitStatus::Exited(7)), std::pair(SIGKILL, ExitStatus::KilledBy(SIGKILL))}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (signal != 0) ::raise(signal);
      ::_exit(7);
    }
    auto process = Pidfd::Open(pid);
    ASSERT_TRUE(process.ok());
    AwaitEnd(*process);
    EXPECT_EQ(StatusOfOther(*process), expected);
    ::waitpid(pid, nullptr, 0);
    // Collected: only a new kernel still tells, and never anything else.
    EXPECT_EQ(StatusOfOther(*process).value_or(expected), expected);
  }
}

TEST(OwnerStatusTest, ALivingProcessHasNone) {
  auto self = Pidfd::Open(::getpid());
  ASSERT_TRUE(self.ok());
  EXPECT_EQ(StatusOfOther(*self), std::nullopt);
}

// Between the open of a file of /proc and its read the process may be collected: the read then fails (ESRCH), and
// nothing may come of that but "not known". It ended keepers in the middle of their last work.
TEST(OwnerStatusTest, OneThatIsCollectedMeanwhileHarmsNobody) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  for (int turn = 0; std::chrono::steady_clock::now() < until; ++turn) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(7);
    auto process = Pidfd::Open(pid);
    ASSERT_TRUE(process.ok());
    AwaitEnd(*process);
    std::atomic<bool> go = false;
    std::jthread collector([&go, pid, turn] {
      while (!go) {
      }
      for (std::atomic<int> spin = 0; spin < turn % 4000; ++spin) {  // at each moment once
      }
      ::waitpid(pid, nullptr, 0);
    });
    go = true;
    const auto status = StatusOfOther(*process);
    collector.join();
    EXPECT_EQ(status.value_or(ExitStatus::Exited(7)), ExitStatus::Exited(7));
  }
}

}  // namespace
}  // namespace curfew::process
