// SPDX-License-Identifier: Apache-2.0
#include "report/artifacts.h"

#include <gmock/gmock.h>

#include <filesystem>

#include <fstream>
#include <iterator>

#include "temp_proc.h"

namespace curfew::report {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ArtifactsTest : public ::testing::Test {
 protected:
  ArtifactsTest() {
    folder_.Write("run/1.log", "one\n");
    folder_.Write("run/2.log", "two\n");
  }
  [[nodiscard]] std::string Log(int number) const {
    return (folder_.root() / "run" / (std::to_string(number) + ".log")).string();
  }
  [[nodiscard]] std::string Kept(const std::string& name) const {
    return (folder_.root() / "kept" / "curfew-r" / name).string();
  }
  [[nodiscard]] Artifacts Make(Keep keep) const { return {{(folder_.root() / "kept").string(), keep}, "r"}; }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  curfew::testing::TempProc folder_;
};

TEST(PathComponentTest, IsOneNameAndNoPlace) {
  EXPECT_EQ(PathComponent("Suite/0.Test/1"), "Suite_0.Test_1");
  EXPECT_EQ(PathComponent("../../etc"), "_.._.._etc");
  EXPECT_EQ(PathComponent(".."), "_..");
  EXPECT_EQ(PathComponent(""), "_");
  EXPECT_EQ(PathComponent("a\n\x1b\xff"), "a___");
  EXPECT_LE(PathComponent(std::string(10'000, 'x')).size(), 255U);
}

TEST_F(ArtifactsTest, AFailedTestKeepsTheLogsOfServersThatWereUp) {
  auto artifacts = Make(Keep::kFailed);
  artifacts.ServerStarts("redis", "", Log(1));
  artifacts.ServerEnds(Log(1));
  artifacts.TestBegins();
  artifacts.ServerStarts("nginx", "A.b", Log(2));
  EXPECT_THAT(artifacts.TestEnds("A.b", true), ElementsAre(Kept("A.b/nginx-2.log")));
  EXPECT_EQ(Read(Kept("A.b/nginx-2.log")), "two\n");
}

TEST_F(ArtifactsTest, AGoodTestKeepsNothing) {
  auto artifacts = Make(Keep::kFailed);
  artifacts.TestBegins();
  artifacts.ServerStarts("redis", "A.b", Log(1));
  EXPECT_THAT(artifacts.TestEnds("A.b", false), IsEmpty());
  EXPECT_THAT(artifacts.RunEnds(""), IsEmpty());
  EXPECT_FALSE(fs::exists(Kept("")));
}

TEST_F(ArtifactsTest, WhatASharedServerWritesLaterIsKeptInTheEnd) {
  auto artifacts = Make(Keep::kFailed);
  artifacts.ServerStarts("redis", "", Log(1));
  artifacts.TestBegins();
  static_cast<void>(artifacts.TestEnds("A.b", true));
  folder_.Write("run/1.log", "one\nlater\n");
  static_cast<void>(artifacts.RunEnds(""));
  EXPECT_EQ(Read(Kept("A.b/redis-1.log")), "one\nlater\n");
}

TEST_F(ArtifactsTest, TheTestThatEndedTheProgramIsAFailedOne) {
  auto artifacts = Make(Keep::kFailed);
  artifacts.TestBegins();
  artifacts.ServerStarts("redis", "A.b", Log(1));
  artifacts.ServerEnds(Log(1));
  EXPECT_THAT(artifacts.RunEnds("A.b"), ElementsAre(Kept("A.b/redis-1.log")));
}

TEST_F(ArtifactsTest, AlwaysKeepsThoseOutsideOfTestsToo) {
  auto artifacts = Make(Keep::kAlways);
  artifacts.ServerStarts("redis", "", Log(1));
  artifacts.ServerEnds(Log(1));
  static_cast<void>(artifacts.RunEnds(""));
  EXPECT_EQ(Read(Kept("outside_of_tests/redis-1.log")), "one\n");
}

TEST_F(ArtifactsTest, NeverKeepsNone) {
  auto artifacts = Make(Keep::kNever);
  artifacts.TestBegins();
  artifacts.ServerStarts("redis", "A.b", Log(1));
  EXPECT_THAT(artifacts.TestEnds("A.b", true), IsEmpty());
  EXPECT_THAT(artifacts.RunEnds("A.b"), IsEmpty());
}

// What a server of a test that passed leaves behind, one fact at a time.
class UselessLogTest : public ArtifactsTest {
 protected:
  // Whether the log is still there after a test, of these facts.
  [[nodiscard]] bool Stays(Keep keep, bool released, bool cleanly, bool failed) {
    folder_.Write("run/1.log", "one\n");
    auto artifacts = Make(keep);
    artifacts.TestBegins();
    artifacts.ServerStarts("redis", "A.b", Log(1));
    artifacts.ServerEnds(Log(1), cleanly);
    if (released) artifacts.LogReleased(Log(1));
    static_cast<void>(artifacts.TestEnds("A.b", failed));
    return std::filesystem::exists(Log(1));
  }
};

TEST_F(UselessLogTest, IsRemovedWithItsTest) { EXPECT_FALSE(Stays(Keep::kFailed, true, true, false)); }
TEST_F(UselessLogTest, NotWhileSomebodyHoldsTheServer) { EXPECT_TRUE(Stays(Keep::kFailed, false, true, false)); }
TEST_F(UselessLogTest, NotOfATreeThatDidNotEndWell) { EXPECT_TRUE(Stays(Keep::kFailed, true, false, false)); }
TEST_F(UselessLogTest, NotOfATestThatFailed) { EXPECT_TRUE(Stays(Keep::kFailed, true, true, true)); }
TEST_F(UselessLogTest, NotWhereAllAreKept) { EXPECT_TRUE(Stays(Keep::kAlways, true, true, false)); }

// Programs without tests, and what runs between two, start servers without end, too.
TEST_F(UselessLogTest, OutsideOfTestsTheLastSixteenStay) {
  auto artifacts = Make(Keep::kFailed);
  for (int number = 1; number <= 17; ++number) {
    folder_.Write("run/" + std::to_string(number) + ".log", "one\n");
    artifacts.ServerStarts("redis", "", Log(number));
    artifacts.ServerEnds(Log(number), true);
    artifacts.LogReleased(Log(number));
  }
  EXPECT_FALSE(std::filesystem::exists(Log(1)));
  EXPECT_TRUE(std::filesystem::exists(Log(2))) << "a test that is about to fail may want it";
  artifacts.TestBegins();
  static_cast<void>(artifacts.TestEnds("A.b", false));
  EXPECT_FALSE(std::filesystem::exists(Log(17)));
}

TEST_F(UselessLogTest, OneOfASharedServerIsRemovedAfterTheTestInWhichItIsLetGo) {
  auto artifacts = Make(Keep::kFailed);
  artifacts.TestBegins();
  artifacts.ServerStarts("redis", "A.b", Log(1));
  static_cast<void>(artifacts.TestEnds("A.b", false));
  artifacts.TestBegins();
  artifacts.ServerEnds(Log(1), true);
  artifacts.ServerStarts("redis", "A.b", Log(1));  // a restart
  artifacts.LogReleased(Log(1));
  static_cast<void>(artifacts.TestEnds("A.c", false));
  EXPECT_TRUE(std::filesystem::exists(Log(1))) << "up again";
  artifacts.ServerEnds(Log(1), true);
  artifacts.TestBegins();
  static_cast<void>(artifacts.TestEnds("A.d", false));
  EXPECT_FALSE(std::filesystem::exists(Log(1)));
}

TEST_F(ArtifactsTest, OfAHugeLogTheEndIsKept) {
  folder_.Write("run/1.log", std::string(9U << 20U, 'x') + "the end\n");
  auto artifacts = Make(Keep::kFailed);
  artifacts.TestBegins();
  artifacts.ServerStarts("redis", "A.b", Log(1));
  ASSERT_THAT(artifacts.TestEnds("A.b", true), SizeIs(1));
  const auto kept = Read(Kept("A.b/redis-1.log"));
  EXPECT_TRUE(kept.starts_with("[the first 1048584 bytes are left out]\nx"));
  EXPECT_TRUE(kept.ends_with("the end\n"));
}

}  // namespace
}  // namespace curfew::report
