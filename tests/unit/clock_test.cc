// SPDX-License-Identifier: Apache-2.0
#include "process/clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace curfew::process {
namespace {

using namespace std::chrono_literals;

class ScaledTest : public ::testing::Test {
 protected:
  ScaledTest() {
    if (const char* value = std::getenv(kName)) before_ = value;
  }
  ~ScaledTest() override {
    if (before_.empty()) {
      ::unsetenv(kName);
    } else {
      ::setenv(kName, before_.c_str(), 1);
    }
  }
  static Duration With(const char* scale, Duration duration) {
    ::setenv(kName, scale, 1);
    return Scaled(duration);
  }

 private:
  static constexpr const char* kName = "CURFEW_TIMEOUT_SCALE";
  std::string before_;
};

TEST_F(ScaledTest, MultipliesByTheScale) {
  EXPECT_EQ(With("2", 30s), 60s);
  EXPECT_EQ(With("0.5", 30s), 15s);
  EXPECT_EQ(With("1", 123456789012345678ns), 123456789012345678ns);
}

TEST_F(ScaledTest, WhatIsNoScaleIsOne) {
  for (const char* scale : {"", "0", "-1", "nan", "inf", "x", "2x", " 2", "1e999"}) {
    EXPECT_EQ(With(scale, 30s), 30s) << scale;
  }
}

TEST_F(ScaledTest, VastTimesCanBeAddedToNow) {
  for (const char* scale : {"1", "1e300"}) {
    const Duration vast = With(scale, Duration::max());
    EXPECT_GT(vast, 24h * 365);
    EXPECT_GT(Clock::Steady().Now() + vast, Clock::Steady().Now());
  }
}

TEST(PollTimeoutTest, IsRoundedUpSoThatNoWaitEndsEarly) {
  const Deadline now = Deadline(1h);
  EXPECT_EQ(PollTimeout(now, now + 1ns), 1);
  EXPECT_EQ(PollTimeout(now, now + 1ms), 1);
  EXPECT_EQ(PollTimeout(now, now + 1ms + 1ns), 2);
}

TEST(PollTimeoutTest, PassedDeadlineIsZeroAndNeverForEver) {
  const Deadline now = Deadline(1h);
  EXPECT_EQ(PollTimeout(now, now), 0);
  EXPECT_EQ(PollTimeout(now, now - 1h), 0);
  EXPECT_EQ(PollTimeout(now, Deadline::min()), 0);
  EXPECT_EQ(PollTimeout(now, Deadline::max()), std::numeric_limits<int>::max());
}

TEST(SteadyClockTest, DoesNotGoBack) {
  const Deadline before = Clock::Steady().Now();
  EXPECT_GE(Clock::Steady().Now(), before);
}

TEST(DescribeDurationTest, UsesTheUnitThatFits) {
  EXPECT_EQ(Describe(1500ms), "1.5 s");
  EXPECT_EQ(Describe(12ms), "12 ms");
  EXPECT_EQ(Describe(350us), "350 us");
  EXPECT_EQ(Describe(7ns), "7 ns");
  EXPECT_EQ(Describe(0s), "0 s");
  EXPECT_EQ(Describe(30s), "30 s");
  EXPECT_EQ(Describe(1h), "3600 s");
  EXPECT_EQ(Describe(-5ms), "-5 ms");
}

TEST(DescribeDurationTest, RoundsToWhatPeopleRead) {
  EXPECT_EQ(Describe(1049us), "1 ms");
  EXPECT_EQ(Describe(1050us), "1.1 ms");
  EXPECT_EQ(Describe(12'345us), "12 ms");
  EXPECT_EQ(Describe(999'400us), "999 ms");
  EXPECT_EQ(Describe(999'960us), "1 s");
  EXPECT_EQ(Describe(9'960ms), "10 s");
  EXPECT_EQ(Describe(Duration::max()), "9223372037 s");
  EXPECT_EQ(Describe(Duration::min()), "-9223372037 s");
}

}  // namespace
}  // namespace curfew::process
