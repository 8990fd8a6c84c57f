// SPDX-License-Identifier: Apache-2.0
// Real cgroups, each below one of the test's own.
#include "containment/cgroup_leaf.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "containment/contained_launch.h"
#include "containment/kill_sweep.h"
#include "containment/stale.h"
#include "private_cgroup.h"
#include "process/raw_fork.h"

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CgroupLeafTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (home_.path().empty()) GTEST_SKIP() << "no cgroup of our own here: " << home_.why_not();
  }
  ~CgroupLeafTest() override {
    for (const pid_t pid : children_) {  // uncollected children of ours: the numbers are theirs
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  CgroupLeaf Make(const std::string& name = "curfew-cf0011223344-0-1") {
    auto leaf = CgroupLeaf::Make(home_.path(), name);
    EXPECT_TRUE(leaf.ok()) << leaf.failure().ToString();
    return std::move(*leaf);
  }
  // A child that is born in the leaf, and lives until it is killed.
  pid_t BornIn(const CgroupLeaf& leaf, const std::function<void()>& body = [] {}) {
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const pid_t pid = process::RawFork(0, leaf.fd());
    if (pid == 0) {
      ::alarm(60);
      body();
      ::close(ready[1]);
      for (;;) ::pause();
    }
    EXPECT_GT(pid, 0) << errno;
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 0);  // its end of the pipe is closed, by it or with it
    ::close(ready[0]);
    children_.push_back(pid);
    return pid;
  }
  static bool Empties(const CgroupLeaf& leaf) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (leaf.Populated() && std::chrono::steady_clock::now() < until) {
      leaf.Kill();
      ::usleep(2000);
    }
    return !leaf.Populated();
  }

  curfew::testing::PrivateCgroup home_;
  procfs::Proc proc_;
  std::vector<pid_t> children_;
};

TEST_F(CgroupLeafTest, HoldsWhoIsBornInItAndKillsThemAll) {
  const auto leaf = Make();
  EXPECT_FALSE(leaf.Populated());
  const pid_t child = BornIn(leaf, [] { ::setsid(); });
  EXPECT_TRUE(leaf.Populated());
  EXPECT_THAT(leaf.Members(), ElementsAre(child));
  EXPECT_TRUE(leaf.Has(proc_, child));
  EXPECT_FALSE(leaf.Has(proc_, ::getpid()));
  EXPECT_FALSE(leaf.Remove()) << "not while somebody lives in it";
  EXPECT_TRUE(Empties(leaf));
  EXPECT_THAT(leaf.Members(), IsEmpty());
  EXPECT_TRUE(leaf.Remove());
  EXPECT_TRUE(leaf.Remove()) << "again is no harm";
  EXPECT_THAT(home_.path(), ::testing::ResultOf([](const auto& path) { return ::access(path.c_str(), F_OK); }, 0));
}

// A server that makes cgroups of its own, and moves into them.
TEST_F(CgroupLeafTest, NestedCgroupsAreKilledAndRemovedDeepestFirst) {
  const auto leaf = Make();
  const auto inner = home_.path() / leaf.name() / "inner";
  const pid_t child = BornIn(leaf, [&inner] {
    std::filesystem::create_directories(inner / ".hidden" / "deep");
    std::filesystem::create_directories(inner / "empty");
    std::ofstream(inner / ".hidden" / "deep" / "cgroup.procs") << 0;
  });
  EXPECT_THAT(leaf.Members(), ElementsAre(child));
  EXPECT_TRUE(leaf.Has(proc_, child));
  EXPECT_TRUE(leaf.Populated());
  EXPECT_TRUE(Empties(leaf));
  EXPECT_TRUE(leaf.Remove());
  EXPECT_FALSE(std::filesystem::exists(inner));
}

TEST_F(CgroupLeafTest, DeeplyNestedOnesNeedNoMoreDescriptors) {
  const auto leaf = Make();
  auto path = home_.path() / leaf.name();
  for (int depth = 0; depth < 150; ++depth) std::filesystem::create_directory(path /= "d");
  rlimit few{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &few), 0);
  const rlimit before = few;
  few.rlim_cur = 40;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_TRUE(leaf.Remove());
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(CgroupLeafTest, ALeafThatSomebodyAnswersForIsNeverStale) {
  const auto leaf = Make();
  BornIn(leaf);
  EXPECT_THAT(FindStaleLeaves(proc_, home_.path()), IsEmpty());
  const auto taken = CgroupLeaf::TakeStale(home_.path() / leaf.name());
  EXPECT_EQ(taken.failure().error, EWOULDBLOCK);
  EXPECT_TRUE(Empties(leaf) && leaf.Remove());
}

TEST_F(CgroupLeafTest, TheLockIsThatOfTheOpenFileAndEndsWithItsLastHolder) {
  std::optional<CgroupLeaf> leaf(Make());
  auto inherited = CgroupLeaf::Adopt(process::FileDescriptor(::fcntl(leaf->fd(), F_DUPFD_CLOEXEC, 0)), leaf->name());
  leaf.reset();  // the keeper is gone, its warden lives
  EXPECT_THAT(FindStaleLeaves(proc_, home_.path()), IsEmpty());
  { const auto gone = std::move(inherited); }
  const auto stale = FindStaleLeaves(proc_, home_.path());
  ASSERT_THAT(stale, SizeIs(1));
  EXPECT_EQ(stale.front().run, "cf0011223344");
  EXPECT_THAT(FindStaleLeaves(proc_, home_.path()), IsEmpty()) << "one sweep at a time";
  EXPECT_THAT(ReapStaleLeaf(proc_, stale.front().leaf, std::chrono::steady_clock::now() + 5s), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(stale.front().path));
}

TEST_F(CgroupLeafTest, WhatADeadRunLeftIsFoundAndReaped) {
  std::optional<CgroupLeaf> leaf(Make());
  const pid_t child = BornIn(*leaf, [fd = leaf->fd()] { ::close(fd); });
  leaf.reset();
  const auto other = home_.path() / "somebody-elses";
  const auto below = other / "curfew-cfaabbccddee-3-1";
  std::filesystem::create_directories(below);
  std::filesystem::create_directory(home_.path() / "curfew-without-numbers");

  const auto stale = FindStaleLeaves(proc_, home_.path());
  ASSERT_THAT(stale, SizeIs(1));
  ASSERT_THAT(stale.front().processes, SizeIs(1));
  EXPECT_EQ(stale.front().processes.front().pid, child);
  EXPECT_THAT(ReapStaleLeaf(proc_, stale.front().leaf, std::chrono::steady_clock::now() + 20s), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(stale.front().path));

  const auto deep = FindStaleLeaves(proc_, home_.path(), true);
  ASSERT_THAT(deep, SizeIs(1));
  EXPECT_EQ(deep.front().path, below);
  EXPECT_TRUE(deep.front().leaf.Remove());
  EXPECT_EQ(::rmdir(other.c_str()), 0);
  EXPECT_EQ(::rmdir((home_.path() / "curfew-without-numbers").c_str()), 0) << "what is not ours by name stays";
}

TEST_F(CgroupLeafTest, NamesOfLeavesTellTheirRun) {
  EXPECT_EQ(RunOfLeaf("curfew-cf0011223344-12-345"), "cf0011223344");
  for (const auto* other : {"curfew-", "curfew-x", "curfew-x-1", "curfew-x-1-", "curfew-x-a-1", "user.slice", ""}) {
    EXPECT_EQ(RunOfLeaf(other), "") << other;
  }
}

// The witness where all others are blind: no tag, no parent of ours, nothing in the environment.
TEST_F(CgroupLeafTest, IsAWitnessOfItsOwnForTheFinder) {
  const auto leaf = Make();
  const pid_t child = BornIn(leaf, [] {
    const rlimit none{12345, 12345};
    ::setrlimit(RLIMIT_LOCKS, &none);
    if (::geteuid() == 0) static_cast<void>(::setresuid(65534, 65534, 65534));
  });
  const auto tag = process::Tag::ForNewRun(process::TagCeiling()).value().WithSlot(9);
  TreeFinder finder(proc_, 0, tag);
  EXPECT_FALSE(finder.Contains(child));
  EXPECT_THAT(finder.Find(), IsEmpty());
  finder.AddLeaf(leaf);
  EXPECT_TRUE(finder.Contains(child));
  EXPECT_THAT(finder.Tagged(), ElementsAre(child));
  EXPECT_THAT(finder.Find(), SizeIs(1));
  EXPECT_THAT(finder.FindThoroughly(), SizeIs(1));
  EXPECT_TRUE(Empties(leaf) && leaf.Remove());
}

TEST_F(CgroupLeafTest, ASweepNeedsNoOtherWitness) {
  const auto leaf = Make();
  for (int i = 0; i < 20; ++i) BornIn(leaf, [] { ::setsid(); });
  const TreeFinder blind(proc_, 0, std::nullopt);
  KillSweep sweep(blind, nullptr, [] { return false; }, {&leaf});
  EXPECT_THAT(sweep.Run(std::chrono::steady_clock::now() + 20s), IsEmpty());
  EXPECT_FALSE(leaf.Populated());
  EXPECT_TRUE(leaf.Remove());
}

process::LaunchRequest Sleeper() {
  process::LaunchRequest request;
  request.executable = "/bin/sleep";
  request.argv = {"sleep", "60"};
  return request;
}

TEST_F(CgroupLeafTest, ALaunchIntoItIsBornInIt) {
  const auto leaf = Make();
  auto launched = LaunchInto(&leaf, true, Sleeper(), process::Launcher::Real());
  ASSERT_TRUE(launched.ok()) << launched.failure().ToString();
  children_.push_back(launched->leader.pid());
  EXPECT_TRUE(launched->in_leaf);
  EXPECT_THAT(leaf.Members(), ElementsAre(launched->leader.pid()));
  EXPECT_TRUE(Empties(leaf) && leaf.Remove());
}

// Who is born into a cgroup that was killed once is killed at birth (Linux 6.18); moving in is another matter.
TEST_F(CgroupLeafTest, ALaunchThatIsKilledAtBirthMovesIn) {
  const auto leaf = Make();
  leaf.Kill();
  auto launched = LaunchInto(&leaf, true, Sleeper(), process::Launcher::Real());
  ASSERT_TRUE(launched.ok()) << launched.failure().ToString();
  children_.push_back(launched->leader.pid());
  EXPECT_TRUE(launched->in_leaf);
  EXPECT_THAT(leaf.Members(), ElementsAre(launched->leader.pid()));
  EXPECT_TRUE(Empties(leaf) && leaf.Remove());
}

TEST_F(CgroupLeafTest, ALaunchGoesOnWithoutALeafThatIsGoneUnlessItIsRequired) {
  const auto leaf = Make();
  ASSERT_TRUE(leaf.Remove());
  auto launched = LaunchInto(&leaf, false, Sleeper(), process::Launcher::Real());
  ASSERT_TRUE(launched.ok()) << launched.failure().ToString();
  children_.push_back(launched->leader.pid());
  EXPECT_FALSE(launched->in_leaf);
  EXPECT_THAT(launched->why_not, HasSubstr("enter the server's cgroup: E"));
  const auto required = LaunchInto(&leaf, true, Sleeper(), process::Launcher::Real());
  ASSERT_FALSE(required.ok());
  EXPECT_EQ(required.failure().operation, process::kEnterCgroup);
}

TEST_F(CgroupLeafTest, AnExecThatFailsIsToldAsThatAndLeavesNothing) {
  const auto leaf = Make();
  auto request = Sleeper();
  request.executable = "/nonexistent/program";
  const auto launched = LaunchInto(&leaf, false, request, process::Launcher::Real());
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(launched.failure().operation, "execute /nonexistent/program");
  EXPECT_EQ(launched.failure().error, ENOENT);
  EXPECT_FALSE(leaf.Populated());
  EXPECT_TRUE(leaf.Remove());
}

TEST_F(CgroupLeafTest, FailsWithTheReason) {
  const auto leaf = CgroupLeaf::Make(home_.path() / "not-there", "curfew-x-0-1");
  ASSERT_FALSE(leaf.ok());
  EXPECT_THAT(leaf.failure().ToString(), ::testing::AllOf(HasSubstr("make the cgroup"), HasSubstr("ENOENT")));
}

}  // namespace
}  // namespace curfew::containment
