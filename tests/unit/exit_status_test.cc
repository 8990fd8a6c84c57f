// SPDX-License-Identifier: Apache-2.0
#include <curfew/exit_status.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>
#include <stdexcept>

namespace curfew {
namespace {

TEST(ExitStatusTest, ExitedKnowsItsCodeOnly) {
  const ExitStatus status = ExitStatus::Exited(9);
  EXPECT_TRUE(status.exited());
  EXPECT_FALSE(status.signaled());
  EXPECT_EQ(status.code(), 9);
  EXPECT_THROW(static_cast<void>(status.signal()), std::logic_error);
  EXPECT_EQ(status.ToString(), "exited with status 9");
}

TEST(ExitStatusTest, KilledKnowsItsSignalOnly) {
  const ExitStatus status = ExitStatus::KilledBy(SIGKILL);
  EXPECT_TRUE(status.signaled());
  EXPECT_FALSE(status.exited());
  EXPECT_EQ(status.signal(), SIGKILL);
  EXPECT_THROW(static_cast<void>(status.code()), std::logic_error);
  EXPECT_EQ(status.ToString(), "was killed by SIGKILL");
}

TEST(ExitStatusTest, ExitCodeNineIsNotSignalNine) {
  EXPECT_NE(ExitStatus::Exited(SIGKILL), ExitStatus::KilledBy(SIGKILL));
  EXPECT_NE(ExitStatus::KilledBy(SIGSEGV), ExitStatus::KilledBy(SIGSEGV, true));
  EXPECT_EQ(ExitStatus::Exited(0), ExitStatus::Exited(0));
}

TEST(ExitStatusTest, ReadsTheWordOfWait) {
  EXPECT_EQ(ExitStatus::FromWaitStatus(0), ExitStatus::Exited(0));
  EXPECT_EQ(ExitStatus::FromWaitStatus(3 << 8), ExitStatus::Exited(3));
  EXPECT_EQ(ExitStatus::FromWaitStatus(SIGTERM), ExitStatus::KilledBy(SIGTERM));
  EXPECT_EQ(ExitStatus::FromWaitStatus(SIGSEGV | 0x80), ExitStatus::KilledBy(SIGSEGV, true));
}

TEST(ExitStatusTest, PrintsItself) {
  std::ostringstream out;
  out << ExitStatus::KilledBy(SIGSEGV, true);
  EXPECT_EQ(out.str(), "was killed by SIGSEGV (core dumped)");
}

}  // namespace
}  // namespace curfew
