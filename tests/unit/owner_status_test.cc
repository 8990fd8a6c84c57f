// SPDX-License-Identifier: Apache-2.0
#include "process/owner_status.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace curfew::process {
namespace {

void AwaitEnd(const Pidfd& process) {
  pollfd entry{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
}

TEST(OwnerStatusTest, AZombieTellsHowItEnded) {
  for (const auto& [signal, expected] : {std::pair(0, ExitStatus::Exited(7)), std::pair(SIGKILL, ExitStatus::KilledBy(SIGKILL))}) {
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

}  // namespace
}  // namespace curfew::process
