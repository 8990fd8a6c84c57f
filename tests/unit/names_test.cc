// SPDX-License-Identifier: Apache-2.0
#include "process/names.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

#include "process/result.h"

namespace curfew::process {
namespace {

TEST(NamesTest, ErrnosHaveTheirNames) {
  EXPECT_EQ(ErrnoName(ENOENT), "ENOENT");
  EXPECT_EQ(ErrnoName(EWOULDBLOCK), "EAGAIN");
  EXPECT_EQ(ErrnoName(4711), "errno 4711");
  EXPECT_EQ(ErrnoName(0), "errno 0");
  EXPECT_EQ(ErrnoName(-1), "errno -1");
}

TEST(NamesTest, ErrnosAreDescribed) {
  EXPECT_EQ(DescribeErrno(ENOENT), "ENOENT (No such file or directory)");
  EXPECT_EQ(DescribeErrno(4711), "errno 4711");
}

TEST(NamesTest, SignalsHaveTheirNames) {
  EXPECT_EQ(SignalName(SIGTERM), "SIGTERM");
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
  EXPECT_EQ(SignalName(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(SignalName(SIGRTMIN + 3), "SIGRTMIN+3");
  EXPECT_EQ(SignalName(SIGRTMAX), "SIGRTMIN+" + std::to_string(SIGRTMAX - SIGRTMIN));
  EXPECT_EQ(SignalName(SIGRTMAX + 1), "signal " + std::to_string(SIGRTMAX + 1));
  EXPECT_EQ(SignalName(SIGRTMIN - 1), "signal " + std::to_string(SIGRTMIN - 1))
      << "glibc keeps it for itself";
  EXPECT_EQ(SignalName(0), "signal 0");
  EXPECT_EQ(SignalName(-1), "signal -1");
}

TEST(NamesTest, FailureReadsOnAfterFailedTo) {
  EXPECT_EQ((Failure{.operation = "open /tmp/x", .error = EACCES}).ToString(),
            "open /tmp/x: EACCES (Permission denied)");
}

}  // namespace
}  // namespace curfew::process
