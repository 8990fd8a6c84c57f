// SPDX-License-Identifier: Apache-2.0
#include "server/start_story.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <cerrno>

#include "temp_proc.h"

namespace curfew::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class StartStoryTest : public ::testing::Test {
 protected:
  // A server that was prepared, with this as its output so far.
  StartError Tell(const FailedStart& failed, const std::string& output = "") {
    folder_.Write("1-db.log", output);
    return TellStory(server_, failed);
  }
  [[nodiscard]] std::string Port(const std::string& name = "") const {
    return std::to_string(server_.address().port(name));
  }

  curfew::testing::TempProc folder_;
  PreparedServer server_{{.name = "db", .command = {"/bin/sh", "-c", "exit 3", "{port}", "{port:admin}"}},
                         folder_.root() / "1-db"};
};

TEST_F(StartStoryTest, TimedOutTellsEverything) {
  const readiness::Outcome outcome{.kind = readiness::Outcome::Kind::kTimedOut,
                                   .taken = {},
                                   .elapsed = 2s,
                                   .looks = 17,
                                   .seen = {{.satisfied = false, .saw = "nobody listens", .taken = {}},
                                            {.satisfied = true, .saw = "the line came", .taken = {}}}};
  StopResult stop;
  stop.leader = ExitStatus::KilledBy(SIGTERM);
  const auto error = Tell({.reason = StartError::kTimedOut,
                           .headline = "not ready after its ready_timeout of 2 s",
                           .outcome = outcome,
                           .pid = 4711,
                           .stop = stop},
                          "starting\nstill starting\n");
  EXPECT_EQ(error.reason(), StartError::kTimedOut);
  EXPECT_EQ(error.elapsed(), 2s);
  EXPECT_EQ(error.exit_status(), std::nullopt);
  EXPECT_THAT(error.log_tail(), ElementsAre("starting", "still starting"));
  const std::string story = error.what();
  EXPECT_THAT(story,
              ::testing::StartsWith("failed to start server db: not ready after its ready_timeout of 2 s\n"));
  EXPECT_THAT(story, HasSubstr("\n  command     /bin/sh -c 'exit 3' " + Port() + " " + Port("admin")));
  EXPECT_THAT(story, HasSubstr("\n  port        {port} = " + Port()));
  EXPECT_THAT(story, HasSubstr("\n  port        {port:admin} = " + Port("admin")));
  EXPECT_THAT(story, HasSubstr("\n  process     pid 4711\n"));
  EXPECT_THAT(story, HasSubstr("\n  waited      2 s, looked 17 times"));
  EXPECT_THAT(story, HasSubstr("\n  probe       not yet: nobody listens"));
  EXPECT_THAT(story, HasSubstr("\n  probe       satisfied: the line came"));
  EXPECT_THAT(story, HasSubstr("\n  then        stopped in "));
  EXPECT_THAT(story, HasSubstr("was killed by SIGTERM"));
  EXPECT_THAT(story, HasSubstr("its last lines:\n    | starting\n    | still starting"));
  EXPECT_THAT(story, HasSubstr("\n  try         does it listen on {port}"));
}

TEST_F(StartStoryTest, SilenceIsTold) {
  const std::string story = Tell({.reason = StartError::kTimedOut, .headline = "no", .pid = 5}).what();
  EXPECT_THAT(story, HasSubstr("\n  log         empty"));
  EXPECT_THAT(story, HasSubstr("it printed nothing"));
}

TEST_F(StartStoryTest, DiedEarlyTellsHow) {
  const auto error = Tell({.reason = StartError::kDiedEarly,
                           .headline = "it ended before it was ready",
                           .exit_status = ExitStatus::KilledBy(SIGSEGV, true),
                           .pid = 5},
                          "oops");
  EXPECT_EQ(error.exit_status(), ExitStatus::KilledBy(SIGSEGV, true));
  EXPECT_THAT(error.what(), HasSubstr("pid 5, was killed by SIGSEGV (core dumped)"));
  EXPECT_THAT(error.what(), AllOf(HasSubstr("| oops"), HasSubstr("read its log")));
}

TEST_F(StartStoryTest, ANulInTheLogDoesNotEndWhat) {
  const auto error =
      Tell({.reason = StartError::kDiedEarly, .headline = "it ended", .exit_status = ExitStatus::Exited(1), .pid = 5},
           std::string("oo\0ps\nlast words\n", 18));
  EXPECT_THAT(error.what(), AllOf(HasSubstr("| oo ps"), HasSubstr("| last words"), HasSubstr("read its log")));
}

TEST_F(StartStoryTest, ALeaderThatLeavesWithZeroMayDaemonise) {
  const auto error = Tell(
      {.reason = StartError::kDiedEarly, .headline = "no", .exit_status = ExitStatus::Exited(0), .pid = 5});
  EXPECT_THAT(error.what(), HasSubstr(".daemonizes = true"));
}

TEST_F(StartStoryTest, CouldNotLaunchTellsTheCallAndNoLog) {
  const struct {
    int error;
    const char* name;
    const char* advice;
  } cases[] = {{ENOEXEC, "ENOEXEC", "#!/bin/sh"},
               {E2BIG, "E2BIG", "too long"},
               {EAGAIN, "EAGAIN", "ulimit -u"},
               {EMFILE, "EMFILE", "ulimit -n"},
               {EACCES, "EACCES", "by hand"}};
  for (const auto& launch : cases) {
    const auto error = Tell({.reason = StartError::kCouldNotLaunch,
                             .headline = "could not launch",
                             .failure = process::Failure{"exec /bin/sh", launch.error}});
    EXPECT_EQ(error.error_number(), launch.error);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("exec /bin/sh: "), HasSubstr(launch.name), HasSubstr(launch.advice),
                      Not(HasSubstr("\n  log")), Not(HasSubstr("pid"))));
  }
}

TEST_F(StartStoryTest, AnAddressInUseIsRecognisedInTheLog) {
  const auto error = Tell(
      {.reason = StartError::kDiedEarly, .headline = "no", .exit_status = ExitStatus::Exited(1), .pid = 5},
      "bind() failed (98: Address already in use)\nexiting\n");
  EXPECT_THAT(error.what(), HasSubstr("SO_REUSEADDR"));
}

TEST_F(StartStoryTest, EveryReasonThatCanBeHelpedGivesAdvice) {
  EXPECT_THAT(Tell({.reason = StartError::kPortTaken, .headline = "no"}).what(),
              HasSubstr("end that process"));
  EXPECT_THAT(Tell({.reason = StartError::kHarnessLost, .headline = "no"}).what(), HasSubstr("OOM"));
  EXPECT_THAT(Tell({.reason = StartError::kCancelled, .headline = "no"}).what(), Not(HasSubstr("  try")));
}

TEST_F(StartStoryTest, OnlyTheLastTwentyLinesAreShown) {
  std::string output;
  for (int i = 0; i < 50; ++i) output += "line " + std::to_string(i) + "\n";
  const auto error = Tell({.reason = StartError::kTimedOut, .headline = "no", .pid = 5}, output);
  EXPECT_THAT(error.log_tail(), SizeIs(20));
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("| line 30\n"), HasSubstr("| line 49"), Not(HasSubstr("| line 29\n"))));
}

TEST(StartErrorTest, NamesAreThoseOfTheEnum) {
  EXPECT_STREQ(StartError::Name(StartError::kBadSpec), "kBadSpec");
  EXPECT_STREQ(StartError::Name(StartError::kCouldNotLaunch), "kCouldNotLaunch");
  EXPECT_STREQ(StartError::Name(StartError::kDiedEarly), "kDiedEarly");
  EXPECT_STREQ(StartError::Name(StartError::kTimedOut), "kTimedOut");
  EXPECT_STREQ(StartError::Name(StartError::kPortTaken), "kPortTaken");
  EXPECT_STREQ(StartError::Name(StartError::kCancelled), "kCancelled");
  EXPECT_STREQ(StartError::Name(StartError::kHarnessLost), "kHarnessLost");
}

}  // namespace
}  // namespace curfew::server
