// SPDX-License-Identifier: Apache-2.0
// What the test's own bodies leave, by each kind of evidence. The checker looks at the whole machine, so
// every test has a run of its own that nobody else can carry.
#include "leaks/leak_checker.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "strays.h"

namespace curfew::leaks {
namespace {

using curfew::testing::ForkBelow;
using curfew::testing::Stray;
using curfew::testing::TakeTag;
using process::Tag;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Where = Stray::Where;

class LeakCheckerTest : public ::testing::Test {
 protected:
  [[nodiscard]] LeakChecker WithTag() const { return {proc_, run_, tag_, ::getpid()}; }
  // Where no tag is to be had: by mark and lineage.
  [[nodiscard]] LeakChecker WithoutTag() const { return {proc_, run_, std::nullopt, ::getpid()}; }

  procfs::Proc proc_;
  Tag tag_ = Tag::ForNewRun(process::TagCeiling()).value();
  std::string run_ = tag_.RunId();
};

TEST_F(LeakCheckerTest, NothingBegunNothingLeaked) {
  for (const auto& checker : {WithTag(), WithoutTag()}) {
    EXPECT_THAT(checker.Find(checker.TakeBaseline({}, {}), {}), IsEmpty());
  }
}

TEST_F(LeakCheckerTest, AChildLeftRunningIsFoundByLineageAndReaped) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray child(Where::kChild);
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_EQ(leaks[0].process.pid, child.pid());
  EXPECT_THAT(leaks[0].evidence, ElementsAre("lineage"));
  EXPECT_THAT(leaks[0].escapes, IsEmpty());
  EXPECT_EQ(leaks[0].server, "");
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped) << leaks[0];
  EXPECT_TRUE(child.Ended());
  EXPECT_FALSE(child.Collect()) << "the checker has done that";
  EXPECT_THAT(checker.Find(baseline, {}), IsEmpty());
}

TEST_F(LeakCheckerTest, WhatWasThereBeforeIsNoLeakNorIsWhatItBegins) {
  for (const auto& checker : {WithTag(), WithoutTag()}) {
    int go[2];
    ASSERT_EQ(::pipe(go), 0);
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const Stray known(
        Where::kChild, [] {},
        [&] {
          char byte = 0;
          if (::read(go[0], &byte, 1) != 1) ::_exit(1);
          ForkBelow([&] { ForkBelow([&] { static_cast<void>(::write(told[1], "x", 1) == 1); }); });
        });
    const auto baseline = checker.TakeBaseline({}, {});
    EXPECT_TRUE(baseline.known.contains(known.pid()));
    ASSERT_EQ(::write(go[1], "x", 1), 1);
    char byte = 0;
    ASSERT_EQ(::read(told[0], &byte, 1), 1);
    EXPECT_THAT(checker.Find(baseline, {}), IsEmpty());
    // The next baseline is taken with this one in hand, and knows all three.
    EXPECT_THAT(checker.TakeBaseline({}, baseline).known, SizeIs(3));
    for (const int fd : {go[0], go[1], told[0], told[1]}) ::close(fd);
    for (const auto& [pid, start] : checker.TakeBaseline({}, baseline).known) ::kill(pid, SIGKILL);
  }
}

TEST_F(LeakCheckerTest, AChildThatDiedUncollectedIsALeak) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray child(Where::kChild);
  child.Kill();
  child.AwaitEnd();
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_THAT(leaks[0].escapes, Contains(StartsWith("zombie")));
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped);
  EXPECT_FALSE(child.Collect());
}

TEST_F(LeakCheckerTest, AnOrphanIsFoundByItsTagAlone) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray daemon(Where::kOrphan, [this] {
    TakeTag(tag_);
    ::setsid();
  });
  const Stray stranger(Where::kOrphan);
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_EQ(leaks[0].process.pid, daemon.pid());
  EXPECT_THAT(leaks[0].evidence, ElementsAre("tag"));
  EXPECT_THAT(leaks[0].escapes, ElementsAre(StartsWith("its parent is gone"), StartsWith("own session")));
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped) << leaks[0];
  EXPECT_TRUE(daemon.Ended());
  EXPECT_FALSE(stranger.Ended());
}

TEST_F(LeakCheckerTest, CurfewsOwnProcessesAndOtherRunsAreNone) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray keeper(Where::kOrphan, [this] { TakeTag(tag_.WithSlot(Tag::kCurfew)); });
  const Stray other_run(Where::kOrphan, [] { TakeTag(Tag::ForNewRun(process::TagCeiling()).value()); });
  EXPECT_THAT(checker.Find(baseline, {}), IsEmpty());
}

// The mechanism carries its promise: without it the orphan of the next test is not found.
TEST_F(LeakCheckerTest, WithoutTagAndMarkAnOrphanIsLost) {
  const auto checker = WithoutTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const auto marked = Stray::Marked(Where::kOrphan, "CURFEW_MARK=" + run_ + "//");
  ::setenv("CURFEW_TEST_DISABLE", "mark", 1);
  const auto leaks = checker.Find(baseline, {});
  ::unsetenv("CURFEW_TEST_DISABLE");
  EXPECT_THAT(leaks, IsEmpty());
}

TEST_F(LeakCheckerTest, AnOrphanIsFoundByItsMarkAlone) {
  const auto checker = WithoutTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const auto marked = Stray::Marked(Where::kOrphan, "CURFEW_MARK=" + run_ + "//");
  // None of these is the mark of this run, though each holds it or its beginning.
  const auto longer = Stray::Marked(Where::kOrphan, "CURFEW_MARK=" + run_ + "0//");
  const auto inside = Stray::Marked(Where::kOrphan, "CURFEW_MARK=x/" + run_ + "/");
  const auto elsewhere = Stray::Marked(Where::kOrphan, "XCURFEW_MARK=" + run_ + "//");
  const auto no_mark = Stray::Marked(Where::kOrphan, "CURFEW_MARK=" + run_);
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_EQ(leaks[0].process.pid, marked.pid());
  EXPECT_THAT(leaks[0].evidence, ElementsAre("mark"));
  EXPECT_EQ(leaks[0].server, "");
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped) << leaks[0];
}

TEST_F(LeakCheckerTest, TheMarkNamesAServerThatHasEnded) {
  const auto checker = WithoutTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const auto marked = Stray::Marked(Where::kOrphan, "CURFEW_MARK=" + run_ + "/Suite/0.Test/1/db");
  const auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  EXPECT_EQ(leaks[0].server, "db");
}

TEST_F(LeakCheckerTest, WhatEndedBeforeItWasReapedIsReaped) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray child(Where::kChild);
  const Stray orphan(Where::kOrphan, [this] { TakeTag(tag_); });
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(2));
  for (const auto* gone : {&child, &orphan}) {
    gone->Kill();
    gone->AwaitEnd();
  }
  EXPECT_TRUE(child.Collect());
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped) << leaks[0];
  EXPECT_TRUE(leaks[1].reaped) << leaks[1];
}

// Its own number, but of another process: the start time tells.
TEST_F(LeakCheckerTest, ASuccessorOfTheNumberIsNotKilled) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray child(Where::kChild);
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  --leaks[0].process.start_ticks;
  checker.Reap(leaks, {});
  EXPECT_TRUE(leaks[0].reaped);
  EXPECT_FALSE(child.Ended());
}

// No descriptor to pin it with: that is no reason to call it gone.
TEST_F(LeakCheckerTest, ALeakThatCannotBePinnedIsToldAlive) {
  const auto checker = WithTag();
  const auto baseline = checker.TakeBaseline({}, {});
  const Stray child(Where::kChild);
  auto leaks = checker.Find(baseline, {});
  ASSERT_THAT(leaks, SizeIs(1));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  checker.Reap(leaks, {});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(child.Ended());
  EXPECT_FALSE(leaks[0].reaped);
  EXPECT_THAT(leaks[0].why_alive, HasSubstr("EMFILE"));
}

}  // namespace
}  // namespace curfew::leaks
