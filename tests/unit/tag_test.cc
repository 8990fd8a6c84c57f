// SPDX-License-Identifier: Apache-2.0
#include "process/tag.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>

#include "child.h"
#include "temp_proc.h"

namespace curfew::process {
namespace {

using curfew::testing::Child;
using curfew::testing::TempProc;

constexpr std::uint64_t kNoLimit = RLIM_INFINITY;
constexpr std::uint64_t kLowest = std::uint64_t{0x2CF} << 53;  // run 0, slot 0
constexpr std::uint64_t kBeyond = std::uint64_t{0x2D0} << 53;

std::uint64_t RunOf(Tag tag) {
  return (tag.value() - kLowest) >> 13;
}

TEST(TagTest, NewRunIsDrawnFromTheUpperHalf) {
  for (const std::uint64_t ceiling :
       {kNoLimit, std::uint64_t{std::numeric_limits<std::int64_t>::max()}, kBeyond}) {
    for (int i = 0; i < 100; ++i) {
      const auto tag = Tag::ForNewRun(ceiling);
      ASSERT_TRUE(tag);
      EXPECT_EQ(tag->slot(), Tag::kTestProgram);
      EXPECT_GE(RunOf(*tag), std::uint64_t{1} << 39);
      EXPECT_LT(tag->value(), kBeyond);
    }
  }
}

TEST(TagTest, NoTwoRunsAreTheSame) {
  const auto one = Tag::ForNewRun(kNoLimit);
  const auto other = Tag::ForNewRun(kNoLimit);
  EXPECT_FALSE(one->SameRun(*other));  // wrong once in 2^39
  EXPECT_NE(one->RunId(), other->RunId());
}

TEST(TagTest, NestedRunsGoDownAndRunOutLate) {
  auto outer = Tag::ForNewRun(kNoLimit);
  int depth = 0;
  for (; outer; ++depth) {
    // The limit a server of the outer run finds is that of its slot, not the test program's.
    const Tag server = outer->WithSlot(depth % 2 == 0 ? 0 : Tag::kServers - 1);
    const auto inner = Tag::ForNewRun(server.value());
    if (inner) {
      EXPECT_LT(inner->value(), server.value()) << "without a capability, limits go down only";
      EXPECT_GE(RunOf(*inner), RunOf(*outer) / 2);
      EXPECT_FALSE(inner->SameRun(*outer));
    }
    outer = inner;
  }
  EXPECT_GE(depth, 39);
}

TEST(TagTest, NoRoomNoTag) {
  for (const std::uint64_t ceiling :
       {std::uint64_t{0}, std::uint64_t{1024}, kLowest - 1, kLowest, kLowest + 8191}) {
    EXPECT_FALSE(Tag::ForNewRun(ceiling)) << ceiling;
  }
}

TEST(TagTest, OnlyOurValuesAreTags) {
  for (const std::uint64_t value : {std::uint64_t{0}, kLowest - 1, kBeyond, kNoLimit, kNoLimit / 2}) {
    EXPECT_FALSE(Tag::FromValue(value)) << value;
  }
  EXPECT_EQ(Tag::FromValue(kLowest)->slot(), 0U);
  EXPECT_EQ(Tag::FromValue(kBeyond - 1)->slot(), Tag::kTestProgram);
}

TEST(TagTest, SlotsOfARunLieBelowItsTestProgram) {
  const Tag test = *Tag::ForNewRun(kNoLimit);
  const Tag server = test.WithSlot(17);
  EXPECT_EQ(server.slot(), 17U);
  EXPECT_LT(server, test.WithSlot(Tag::kCurfew));
  EXPECT_LT(test.WithSlot(Tag::kCurfew), test);
  EXPECT_TRUE(server.SameRun(test));
  EXPECT_EQ(server.RunId(), test.RunId());
  EXPECT_EQ(server.WithSlot(Tag::kTestProgram), test);
}

TEST(TagTest, RunIdIsTwelveHexDigits) {
  EXPECT_THAT(Tag::ForNewRun(kNoLimit)->RunId(), ::testing::MatchesRegex("[0-9a-f]{12}"));
  EXPECT_EQ(Tag::FromValue(kLowest)->RunId(), "cf0000000000");
}

TEST(TagTest, ChildrenInheritItAndZombiesShowIt) {
  const auto tag = Tag::ForNewRun(TagCeiling());
  ASSERT_TRUE(tag) << "RLIMIT_LOCKS is too low here";
  Child outer([&tag] {
    if (ApplyTag(*tag) != 0 || TagCeiling() != tag->value()) return 1;
    Child inner([] { return 0; });
    inner.WaitUntilZombie();
    return ReadTag(procfs::Proc(), inner.pid()) == tag ? 0 : 2;
  });
  EXPECT_EQ(outer.Collect(), 0);
}

TEST(TagTest, ProcessWithoutATagHasNone) {
  Child child;
  const pid_t pid = child.pid();
  EXPECT_EQ(ReadTag(procfs::Proc(), pid), Tag::FromValue(TagCeiling()));
  ::kill(pid, SIGKILL);
  child.Collect();
  EXPECT_FALSE(ReadTag(procfs::Proc(), pid));
  EXPECT_FALSE(ReadTag(procfs::Proc(), 0)) << "not the caller's own";
  EXPECT_FALSE(ReadTag(procfs::Proc(), -1));
}

TEST(TagTest, WherePrlimitIsRefusedTheTextIsRead) {
  const TempProc root;
  const Tag tag = *Tag::ForNewRun(kNoLimit);
  root.Write("1/limits", "Max file locks            " + std::to_string(tag.value()) + " unlimited locks\n");
  std::filesystem::permissions(root.root(), std::filesystem::perms(0755));
  Child child([&root, tag] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return 1;
    rlimit limit{};
    if (::prlimit(1, RLIMIT_LOCKS, nullptr, &limit) == 0 || errno != EPERM) return 77;
    return ReadTag(procfs::Proc(root.root()), 1) == tag ? 0 : 2;
  });
  const int code = child.Collect();
  if (code == 77) GTEST_SKIP() << "may read the limits of process 1: nothing is refused here";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace curfew::process
