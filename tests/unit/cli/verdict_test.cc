// SPDX-License-Identifier: Apache-2.0
#include "cli/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Leak ALeak(const std::string& exempted = "") {
  Leak leak;
  leak.process.pid = 4711;
  leak.process.command = {"daemon", "with\nnewline", "\x1b[31m"};
  leak.exempted = exempted;
  leak.reaped = true;
  return leak;
}

Outcome Ended(ExitStatus status) {
  Outcome outcome;
  outcome.run = "cf01";
  outcome.command = {"ctest"};
  outcome.status = status;
  return outcome;
}

TEST(VerdictTest, StatusOfTheCommandIsPassedOn) {
  EXPECT_EQ(Judge(Ended(ExitStatus::Exited(0)), Policy::kFail).exit_code, 0);
  EXPECT_EQ(Judge(Ended(ExitStatus::Exited(7)), Policy::kFail).exit_code, 7);
  const auto killed = Judge(Ended(ExitStatus::KilledBy(15)), Policy::kFail);
  EXPECT_EQ(killed.signal, 15);
  EXPECT_EQ(killed.exit_code, 143);
}

TEST(VerdictTest, LeakTurnsSuccessIntoFailureAndNoFailureIntoAnother) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.leaks = {ALeak()};
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, kExitLeaked);
  EXPECT_EQ(Judge(outcome, Policy::kWarn).exit_code, 0);
  EXPECT_EQ(Judge(outcome, Policy::kOff).exit_code, 0);
  outcome.status = ExitStatus::Exited(3);
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, 3);
  outcome.status = ExitStatus::KilledBy(9);
  EXPECT_EQ(Judge(outcome, Policy::kFail).signal, 9);
}

TEST(VerdictTest, LeakThatARunInsideFoundCountsAsWell) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.inner_leaks = {ALeak()};
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, kExitLeaked);
}

TEST(VerdictTest, ExemptedLeakIsCountedAndNotBlamed) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.leaks = {ALeak("it is meant to stay")};
  const auto verdict = Judge(outcome, Policy::kFail);
  EXPECT_EQ(verdict.exit_code, 0);
  EXPECT_THAT(Describe(outcome, verdict, Policy::kFail), HasSubstr("1 process leaked, 1 of them exempted"));
}

TEST(VerdictTest, TimeOutIsToldApart) {
  auto outcome = Ended(ExitStatus::KilledBy(15));
  outcome.timed_out = "still running after its timeout of 1 s:\n12 sleep 9\n";
  const auto verdict = Judge(outcome, Policy::kFail);
  EXPECT_EQ(verdict.exit_code, kExitTimedOut);
  EXPECT_EQ(verdict.signal, std::nullopt);
  EXPECT_THAT(Describe(outcome, verdict, Policy::kFail), HasSubstr("12 sleep 9"));
}

TEST(VerdictTest, ResourcesAreToldAndFailOnlyIfAsked) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.resources = {{.kind = "POSIX shared memory", .name = "/dev/shm/a\nb", .path = "/dev/shm/a\nb"}};
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, 0);
  EXPECT_THAT(Describe(outcome, Judge(outcome, Policy::kFail), Policy::kFail),
              HasSubstr("POSIX shared memory /dev/shm/a b\n"));
  outcome.resources_fail = true;
  EXPECT_EQ(Judge(outcome, Policy::kWarn).exit_code, kExitLeaked);
  outcome.status = ExitStatus::Exited(4);
  EXPECT_EQ(Judge(outcome, Policy::kWarn).exit_code, 4);
}

TEST(VerdictTest, ANamespaceThatSomebodyIsInFailsNoRun) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.resources_fail = true;
  outcome.resources = {{.kind = "network namespace", .name = "net:[4]", .holder = "process 7 (container)"}};
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, 0);
  EXPECT_THAT(Describe(outcome, Judge(outcome, Policy::kFail), Policy::kFail), HasSubstr("net:[4], held by process 7"));
  outcome.resources.push_back({.kind = "network namespace", .name = "/run/netns/n", .path = "/run/netns/n"});
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, kExitLeaked);
}

TEST(VerdictTest, WhatCannotBeToldIsNoSuccess) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.blind = "something is left, and what cannot be told: x";
  const auto verdict = Judge(outcome, Policy::kOff);
  EXPECT_EQ(verdict.exit_code, kExitInternal);
  EXPECT_THAT(Describe(outcome, verdict, Policy::kOff), HasSubstr("something is left"));
  outcome.status = ExitStatus::Exited(4);
  EXPECT_EQ(Judge(outcome, Policy::kFail).exit_code, 4);
}

TEST(VerdictTest, CleanRunSaysNothing) {
  const auto outcome = Ended(ExitStatus::Exited(0));
  EXPECT_THAT(Describe(outcome, Judge(outcome, Policy::kFail), Policy::kFail), IsEmpty());
}

TEST(VerdictTest, WildCommandLinesAreEscaped) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.command = {"evil\x1b]0;title\x07", "a\nb"};
  outcome.leaks = {ALeak()};
  const auto text = Describe(outcome, Judge(outcome, Policy::kFail), Policy::kFail);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("a\\x0Ab"));
  EXPECT_THAT(text, HasSubstr("with\\x0Anewline"));
}

TEST(VerdictTest, OfManyLeaksTheRestIsCounted) {
  auto outcome = Ended(ExitStatus::Exited(0));
  outcome.leaks.assign(60, ALeak());
  EXPECT_THAT(Describe(outcome, Judge(outcome, Policy::kFail), Policy::kFail), HasSubstr("and 10 more"));
}

}  // namespace
}  // namespace curfew::cli
