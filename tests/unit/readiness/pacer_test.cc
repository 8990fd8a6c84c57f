// SPDX-License-Identifier: Apache-2.0
#include "readiness/pacer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;

constexpr Deadline kStart{1000s};

// Looks whenever a look is due until the moment has come, and counts the looks.
int LookUntil(Pacer& pacer, Deadline end) {
  int looks = 0;
  for (; pacer.NextLook() < end; ++looks) pacer.Looked(pacer.NextLook());
  return looks;
}

TEST(PacerTest, LooksAtOnceAtTheStart) {
  const Pacer pacer(kStart);
  EXPECT_EQ(pacer.NextLook(), kStart);
}

TEST(PacerTest, BeginsWithTheShortestPause) {
  Pacer pacer(kStart);
  pacer.Looked(kStart);
  EXPECT_EQ(pacer.NextLook(), kStart + 100us);
}

TEST(PacerTest, PauseGrowsWithTheTimeWaited) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 100ms);
  EXPECT_EQ(pacer.NextLook(), kStart + 102500us);
}

TEST(PacerTest, PauseIsNeverLongerThanTwentyMilliseconds) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 1h);
  EXPECT_EQ(pacer.NextLook(), kStart + 1h + 20ms);
}

TEST(PacerTest, OutputIsLookedAtAtOnce) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 1s);
  pacer.OutputSeen(kStart + 1003ms);
  EXPECT_EQ(pacer.NextLook(), kStart + 1003ms);
  EXPECT_TRUE(pacer.output_heard());
}

TEST(PacerTest, AfterOutputThePausesAreShortForAWhile) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 1s);
  pacer.OutputSeen(kStart + 1003ms);
  pacer.Looked(kStart + 1003ms);
  EXPECT_FALSE(pacer.output_heard());
  EXPECT_EQ(pacer.NextLook(), kStart + 1003ms + 100us);
  LookUntil(pacer, kStart + 1005ms + 1ns);
  EXPECT_EQ(pacer.NextLook(), kStart + 1025ms) << "and then as before";
}

TEST(PacerTest, OutputRightAfterALookWaitsForTheShortestPause) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 1s);
  pacer.OutputSeen(kStart + 1s + 1us);
  EXPECT_EQ(pacer.NextLook(), kStart + 1s + 100us);
}

TEST(PacerTest, FloodOfOutputIsLookedAtFiveHundredTimesASecond) {
  Pacer pacer(kStart);
  LookUntil(pacer, kStart + 10s);
  int looks = 0;
  // Output all the time: heard as soon as anybody listens for it.
  for (Deadline now = kStart + 10s; now < kStart + 20s; now = pacer.NextLook()) {
    pacer.Looked(now);
    ++looks;
    pacer.OutputSeen(now);
    ASSERT_GT(pacer.NextLook(), now);
  }
  EXPECT_LE(looks, 10 * 500 + 100);
  EXPECT_GE(looks, 10 * 400);
}

TEST(PacerTest, LineEveryTenMillisecondsIsAlwaysLookedAtAtOnce) {
  Pacer pacer(kStart);
  LookUntil(pacer, kStart + 10s);
  Deadline line = kStart + 10s;
  for (int i = 0; i < 1000; ++i, line += 10ms) {
    LookUntil(pacer, line);
    pacer.OutputSeen(line);
    ASSERT_LE(pacer.NextLook(), line + 100us) << "line " << i;
  }
}

TEST(PacerTest, SilentServerIsAskedRarely) {
  Pacer pacer(kStart);
  EXPECT_LE(LookUntil(pacer, kStart + 30s), 30 * 100 + 300);
}

TEST(PacerTest, CalledListenIsLookedForAtOnceAndThenWithShortPauses) {
  Pacer pacer(kStart);
  pacer.Looked(kStart + 1s, true);
  pacer.ListenCalled(kStart + 1s + 1us);
  EXPECT_EQ(pacer.NextLook(), kStart + 1s + 1us);
  pacer.Looked(kStart + 1s + 5us, true);
  EXPECT_EQ(pacer.NextLook(), kStart + 1s + 55us) << "the caller may need this processor";
  pacer.Looked(kStart + 1s + 1400us, true);
  EXPECT_EQ(pacer.NextLook(), kStart + 1s + 1450us);
  pacer.Looked(kStart + 1003ms, true);
  EXPECT_EQ(pacer.NextLook(), kStart + 1004ms) << "a loaded machine may let the caller wait";
  pacer.Looked(kStart + 1052ms, true);
  EXPECT_EQ(pacer.NextLook(), kStart + 1102ms) << "and then as before";
}

}  // namespace
}  // namespace curfew::readiness
