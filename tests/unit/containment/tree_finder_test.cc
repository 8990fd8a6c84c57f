// SPDX-License-Identifier: Apache-2.0
#include "containment/tree_finder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "child.h"
#include "temp_proc.h"

namespace curfew::containment {
namespace {

using curfew::testing::Child;
using curfew::testing::TempProc;
using process::Tag;
using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Numbers above any pid_max (2^22), so that no real process has them.
constexpr pid_t kRoot = 5'000'000;

class FakeTreeTest : public ::testing::Test {
 protected:
  void Add(pid_t pid, pid_t parent, char state = 'S') const {
    fake_.Write(std::to_string(pid) + "/stat",
                std::to_string(pid) + " (x) " + state + " " + std::to_string(parent) +
                    " 7 9 0 -1 0 0 0 0 0 2 3 0 0 20 0 1 0 1234 2461696 231 0\n");
  }
  static std::vector<pid_t> PidsOf(const std::vector<procfs::Stat>& stats) {
    std::vector<pid_t> pids;
    for (const auto& stat : stats) pids.push_back(stat.pid);
    return pids;
  }

  TempProc fake_;
  procfs::Proc proc_{fake_.root()};
};

TEST_F(FakeTreeTest, LineageFindsEveryDepthAndNobodyElse) {
  Add(1, 0);
  Add(kRoot, 1);
  Add(kRoot + 1, kRoot);
  Add(kRoot + 2, kRoot + 1);
  Add(kRoot + 3, kRoot + 2, 'Z');
  Add(kRoot + 4, kRoot);
  Add(kRoot + 10, 1);  // a sibling of the root, and its child
  Add(kRoot + 11, kRoot + 10);
  const TreeFinder finder(proc_, kRoot, std::nullopt);
  const auto matcher = UnorderedElementsAre(kRoot + 1, kRoot + 2, kRoot + 3, kRoot + 4);
  EXPECT_THAT(PidsOf(finder.Find()), matcher);
  EXPECT_THAT(PidsOf(finder.FindThoroughly()), matcher);
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(finder.Contains(kRoot + i)) << i;
  for (const pid_t pid : {1, kRoot, kRoot + 10, kRoot + 11, kRoot + 99, 0, -1})
    EXPECT_FALSE(finder.Contains(pid)) << pid;
  EXPECT_THAT(finder.Tagged(), IsEmpty()) << "there is no tag to go by";
}

TEST_F(FakeTreeTest, CirclesEnd) {
  Add(kRoot, 1);
  Add(kRoot + 1, kRoot + 2);  // two that are each other's parent, as a reused number can make it look
  Add(kRoot + 2, kRoot + 1);
  Add(kRoot + 3, kRoot + 3);  // and one that is its own
  Add(kRoot + 4, kRoot);
  const TreeFinder finder(proc_, kRoot, std::nullopt);
  EXPECT_THAT(PidsOf(finder.FindThoroughly()), UnorderedElementsAre(kRoot + 4));
  EXPECT_FALSE(finder.Contains(kRoot + 1));
  EXPECT_FALSE(finder.Contains(kRoot + 3));
}

TEST_F(FakeTreeTest, ACircleThroughTheRootEnds) {
  Add(kRoot, kRoot + 2);
  Add(kRoot + 1, kRoot);
  Add(kRoot + 2, kRoot + 1);
  const TreeFinder finder(proc_, kRoot, std::nullopt);
  EXPECT_THAT(PidsOf(finder.FindThoroughly()), UnorderedElementsAre(kRoot + 1, kRoot + 2));
}

TEST_F(FakeTreeTest, WhatIsExcludedIsExcludedWithEverythingBelow) {
  Add(kRoot, 1);
  Add(kRoot + 1, kRoot);
  Add(kRoot + 2, kRoot + 1);
  Add(kRoot + 3, kRoot);
  const TreeFinder finder(proc_, kRoot, std::nullopt, {kRoot + 1});
  EXPECT_THAT(PidsOf(finder.Find()), UnorderedElementsAre(kRoot + 3));
  EXPECT_THAT(PidsOf(finder.FindThoroughly()), UnorderedElementsAre(kRoot + 3));
  EXPECT_FALSE(finder.Contains(kRoot + 1));
  EXPECT_FALSE(finder.Contains(kRoot + 2));
}

TEST_F(FakeTreeTest, TheSearchingProcessIsNeverOfTheTree) {
  Add(kRoot, 1);
  Add(::getpid(), kRoot);
  const TreeFinder finder(proc_, kRoot, std::nullopt);
  EXPECT_THAT(finder.Find(), IsEmpty());
  EXPECT_THAT(finder.FindThoroughly(), IsEmpty());
  EXPECT_FALSE(finder.Contains(::getpid())) << "a sweep asks about numbers that no listing gave it";
}

TEST_F(FakeTreeTest, RootZeroHasNoLineage) {
  Add(1, 0);
  Add(2, 0);
  Add(kRoot, 2);
  const TreeFinder finder(proc_, 0, std::nullopt);
  EXPECT_THAT(finder.FindThoroughly(), IsEmpty());
  EXPECT_FALSE(finder.Contains(kRoot));
}

TEST_F(FakeTreeTest, AThousandDeepIsNoTroubleAndUnreadableLinesAreNobody) {
  Add(kRoot, 1);
  for (int i = 1; i <= 1000; ++i) Add(kRoot + i, kRoot + i - 1);
  fake_.Write(std::to_string(kRoot + 2000) + "/stat", "5002000 (cut");
  const TreeFinder finder(proc_, kRoot, std::nullopt);
  EXPECT_EQ(finder.FindThoroughly().size(), 1000U);
  EXPECT_TRUE(finder.Contains(kRoot + 1000));
  EXPECT_FALSE(finder.Contains(kRoot + 2000));
}

// --- by tag, on real children: the tag of a made-up number cannot be read

Tag SomeTag() {
  return Tag::ForNewRun(process::TagCeiling()).value().WithSlot(17);
}

int PauseWithTag(Tag tag) {
  return process::ApplyTag(tag) == 0 ? ::pause() : 1;
}

// Waits until the child carries it.
void AwaitTag(const procfs::Proc& proc, pid_t pid, Tag tag) {
  while (process::ReadTag(proc, pid) != tag) ::usleep(100);
}

TEST(TaggedTreeTest, ATagIsEnoughWhereverTheProcessHangs) {
  const procfs::Proc proc;
  const Tag tag = SomeTag();
  const Child tagged([tag] { return PauseWithTag(tag); });
  const Child other_server([tag] { return PauseWithTag(tag.WithSlot(16)); });
  const Child plain;
  AwaitTag(proc, tagged.pid(), tag);
  AwaitTag(proc, other_server.pid(), tag.WithSlot(16));

  const TreeFinder finder(proc, 0, tag);
  EXPECT_THAT(finder.Tagged(), UnorderedElementsAre(tagged.pid()));
  EXPECT_THAT(finder.Find(), UnorderedElementsAre(Field(&procfs::Stat::pid, tagged.pid())));
  EXPECT_THAT(finder.FindThoroughly(), UnorderedElementsAre(Field(&procfs::Stat::pid, tagged.pid())));
  EXPECT_TRUE(finder.Contains(tagged.pid()));
  EXPECT_FALSE(finder.Contains(other_server.pid()));
  EXPECT_FALSE(finder.Contains(plain.pid()));

  const TreeFinder without(proc, 0, tag, {tagged.pid()});
  EXPECT_THAT(without.Tagged(), IsEmpty());
  EXPECT_THAT(without.Find(), IsEmpty());
  EXPECT_FALSE(without.Contains(tagged.pid()));
}

TEST(TaggedTreeTest, ARunWithinTheRunIsFoundByItsParents) {
  const procfs::Proc proc;
  const Tag tag = SomeTag();
  const Tag inner = Tag::ForNewRun(tag.value()).value();
  const Child nested([inner] { return PauseWithTag(inner); });
  const Child plain;
  AwaitTag(proc, nested.pid(), inner);
  const TreeFinder finder(proc, ::getpid(), tag);
  EXPECT_THAT(finder.Find(), Contains(Field(&procfs::Stat::pid, nested.pid())));
}

TEST(TaggedTreeTest, WhoHasLostItsTagAltogetherIsFoundAmongTheChildrenOfMembers) {
  const procfs::Proc proc;
  const Tag tag = SomeTag();
  const Child tagged([tag] { return PauseWithTag(tag); });
  const Child plain;
  AwaitTag(proc, tagged.pid(), tag);
  const TreeFinder finder(proc, ::getpid(), tag);
  EXPECT_THAT(finder.Find(),
              UnorderedElementsAre(Field(&procfs::Stat::pid, tagged.pid()), Field(&procfs::Stat::pid, plain.pid())));
  EXPECT_TRUE(finder.Contains(plain.pid()));
  // Other trees are not ours, nor is what is below them.
  const TreeFinder without(proc, ::getpid(), tag, {plain.pid()});
  EXPECT_THAT(without.Find(), UnorderedElementsAre(Field(&procfs::Stat::pid, tagged.pid())));
}

TEST(TaggedTreeTest, AZombieKeepsItsTag) {
  const procfs::Proc proc;
  const Tag tag = SomeTag();
  const Child zombie([tag] { return process::ApplyTag(tag); });
  zombie.WaitUntilZombie();
  const TreeFinder finder(proc, 0, tag);
  EXPECT_THAT(finder.Tagged(), UnorderedElementsAre(zombie.pid()));
  ASSERT_EQ(finder.Find().size(), 1U);
  EXPECT_TRUE(finder.Find().front().zombie());
}

// A sweep kills whom Tagged names.
TEST(TaggedTreeTest, TheSearchingProcessIsNotNamedThoughItCarriesTheTag) {
  const Tag tag = SomeTag();
  Child searcher([tag] {
    if (process::ApplyTag(tag) != 0) return 2;
    const procfs::Proc proc;
    return TreeFinder(proc, 0, tag).Tagged().empty() ? 0 : 1;
  });
  EXPECT_EQ(searcher.Collect(), 0);
}

}  // namespace
}  // namespace curfew::containment
