// SPDX-License-Identifier: Apache-2.0
#include "readiness/owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "child.h"
#include "mocks.h"
#include "process/mark.h"
#include "sockets.h"
#include "temp_proc.h"

namespace curfew::readiness {
namespace {

using curfew::testing::MockTree;
using curfew::testing::StatText;
using curfew::testing::TempProc;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Invoke;
using ::testing::Not;
using ::testing::Return;
using Verdict = Ownership::Verdict;

constexpr std::uint64_t kInode = 4242;
constexpr uid_t kUid = 33;

// A /proc of the test's making: the server is 100 with a worker 101, whatever else is a stranger.
class OwnerCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EXPECT_CALL(tree_, Leader()).WillRepeatedly(Return(100));
    AddProcess(100, "server");
    AddProcess(101, "worker");
  }
  void TreeIsRead() { EXPECT_CALL(tree_, Pids()).WillRepeatedly(Return(std::vector<pid_t>{100, 101})); }
  void AddProcess(pid_t pid, const std::string& name) {
    const std::string number = std::to_string(pid);
    root_.Write(number + "/stat", StatText(pid, name));
    root_.Write(number + "/cmdline", "/usr/sbin/" + name + '\0' + "--port" + '\0' + "80" + '\0');
    root_.Link(number + "/fd/0", "/dev/null");
  }
  void Holds(pid_t pid, std::uint64_t inode = kInode) {
    root_.Link(std::to_string(pid) + "/fd/7", "socket:[" + std::to_string(inode) + "]");
  }
  // A server of a run whose test program is, or was, `owner`.
  void MarkOwner(pid_t pid, const std::string& mark, pid_t owner) {
    const std::string space = "pid:[1]";
    root_.Link(std::to_string(::getpid()) + "/ns/pid", space);
    const auto stat = proc_.ReadStat(owner);
    const process::Owner known{.pid = owner, .start_ticks = stat ? stat->start_ticks : 5, .name_space = space};
    const char end = '\0';
    root_.Write(std::to_string(pid) + "/environ", std::string("PATH=/bin") + end + "CURFEW_MARK=" + mark + end +
                                                      "CURFEW_OWNER=" + known.ToString() + end);
  }
  // Its descriptors cannot be listed: as for another user's process, whatever user runs the test.
  void HideDescriptors(pid_t pid) { std::filesystem::remove_all(root_.root() / std::to_string(pid) / "fd"); }

  TempProc root_;
  procfs::Proc proc_{root_.root()};
  ::testing::StrictMock<MockTree> tree_;
  OwnerCheck owner_{tree_, proc_};
};

TEST_F(OwnerCheckTest, LeaderIsAskedFirstAndTheTreeNotRead) {
  Holds(100);
  EXPECT_CALL(tree_, Pids()).Times(0);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, WorkerThatInheritedTheSocketWillDo) {
  TreeIsRead();
  Holds(101);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, ProvenSocketIsRemembered) {
  Holds(100);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
  std::filesystem::remove_all(root_.root() / "100");
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, LeaderWhoseMainThreadHasEndedHoldsWhatItsThreadsShow) {
  std::filesystem::remove(root_.root() / "100/fd/0");
  root_.Link("100/task/102/fd/7", "socket:[" + std::to_string(kInode) + "]");
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, SocketSharedWithAStrangerIsOurs) {
  Holds(100);
  AddProcess(300, "stranger");
  Holds(300);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, StrangerIsNamedWithItsCommand) {
  TreeIsRead();
  AddProcess(300, "nginx");
  Holds(300);
  const Ownership whose = owner_.Of(kInode, kUid);
  EXPECT_EQ(whose.verdict, Verdict::kStrangers);
  EXPECT_THAT(whose.holder, HasSubstr("pid 300 (/usr/sbin/nginx --port 80)"));
  EXPECT_THAT(whose.holder, Not(HasSubstr("run")));
}

TEST_F(OwnerCheckTest, StrangerOfAnotherRunIsNamedWithItsServer) {
  TreeIsRead();
  AddProcess(300, "redis-server");
  Holds(300);
  MarkOwner(300, "ab12/Suite/0.Test/1/redis", 999);
  EXPECT_THAT(owner_.Of(kInode, kUid).holder,
              AllOf(HasSubstr("server \"redis\" of run ab12"), HasSubstr("yesterday's orphan")));
}

TEST_F(OwnerCheckTest, StrangerWhoseRunGoesOnIsNoOrphan) {
  TreeIsRead();
  AddProcess(300, "redis-server");
  Holds(300);
  AddProcess(7, "kv_test");
  MarkOwner(300, "ab12/Suite.Test/redis", 7);
  EXPECT_THAT(owner_.Of(kInode, kUid).holder, AllOf(HasSubstr("of run ab12"), Not(HasSubstr("orphan"))));
}

TEST_F(OwnerCheckTest, OtherSocketsOfAStrangerDoNotMatter) {
  TreeIsRead();
  AddProcess(300, "client");
  Holds(300, kInode + 1);
  EXPECT_NE(owner_.Of(kInode, kUid).verdict, Verdict::kStrangers);
}

TEST_F(OwnerCheckTest, UnreadableMemberIsGivenTheBenefitOfTheDoubtAndSaysSo) {
  TreeIsRead();
  HideDescriptors(101);
  const Ownership whose = owner_.Of(kInode, kUid);
  EXPECT_EQ(whose.verdict, Verdict::kNotProvable);
  EXPECT_FALSE(whose.holder.empty());
}

TEST_F(OwnerCheckTest, StrangerIsFoundBesideAnUnreadableMember) {
  TreeIsRead();
  HideDescriptors(101);
  AddProcess(300, "nginx");
  Holds(300);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kStrangers);
}

TEST_F(OwnerCheckTest, MemberThatHasEndedIsNotUnreadable) {
  TreeIsRead();
  std::filesystem::remove_all(root_.root() / "101");
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear);
}

TEST_F(OwnerCheckTest, ZombieMemberIsNotUnreadable) {
  TreeIsRead();
  root_.Write("101/stat", StatText(101, "worker", 'Z'));
  HideDescriptors(101);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear);
}

TEST_F(OwnerCheckTest, SocketOutOfSightIsLookedForAgainBeforeAVerdict) {
  TreeIsRead();
  for (int look = 1; look <= 4; ++look) {
    ASSERT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear) << "look " << look;
  }
  const Ownership whose = owner_.Of(kInode, kUid);
  EXPECT_EQ(whose.verdict, Verdict::kStrangers);
  EXPECT_THAT(whose.holder, HasSubstr("uid 33"));
}

TEST_F(OwnerCheckTest, AnotherSocketOutOfSightIsCountedAnew) {
  TreeIsRead();
  for (int look = 0; look < 4; ++look) static_cast<void>(owner_.Of(kInode, kUid));
  EXPECT_EQ(owner_.Of(kInode + 1, kUid).verdict, Verdict::kUnclear);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear);
}

TEST_F(OwnerCheckTest, ProcessForkedWhileTheTreeWasReadIsNoStranger) {
  AddProcess(102, "newborn");
  Holds(102);
  EXPECT_CALL(tree_, Pids())
      .WillOnce(Return(std::vector<pid_t>{100, 101}))
      .WillRepeatedly(Return(std::vector<pid_t>{100, 101, 102}));
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear);
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kOurs);
}

TEST_F(OwnerCheckTest, HolderThatEndsWhileItIsDescribedIsNoVerdict) {
  AddProcess(300, "nginx");
  Holds(300);
  // The second reading of the tree is the last thing before the stranger is described.
  EXPECT_CALL(tree_, Pids()).WillOnce(Return(std::vector<pid_t>{100, 101})).WillOnce(Invoke([this] {
    std::filesystem::remove_all(root_.root() / "300");
    return std::vector<pid_t>{100, 101};
  }));
  EXPECT_EQ(owner_.Of(kInode, kUid).verdict, Verdict::kUnclear);
}

// Of a daemon: its leader has ended and been collected, and the kernel has given the number to a stranger.
class TreeWithoutLeader : public MockTree {
 public:
  [[nodiscard]] bool LeaderLives() const override { return false; }
};

TEST_F(OwnerCheckTest, NumberOfALeaderThatIsGoneProvesNothing) {
  ::testing::StrictMock<TreeWithoutLeader> tree;
  EXPECT_CALL(tree, Leader()).WillRepeatedly(Return(100));
  EXPECT_CALL(tree, Pids()).WillRepeatedly(Return(std::vector<pid_t>{101}));
  OwnerCheck owner(tree, proc_);
  Holds(100);
  const Ownership whose = owner.Of(kInode, kUid);
  EXPECT_EQ(whose.verdict, Verdict::kStrangers);
  EXPECT_THAT(whose.holder, HasSubstr("pid 100"));
  EXPECT_FALSE(owner.InTree(100));
  Holds(101, kInode + 1);
  EXPECT_EQ(owner.Of(kInode + 1, kUid).verdict, Verdict::kOurs);
}

TEST(OwnerCheckOnRealProcTest, KnowsItsOwnSocketsAndThoseOfAChild) {
  const procfs::Proc proc;
  const process::FileDescriptor socket = curfew::testing::Listen("127.0.0.1");
  const curfew::testing::Child child;  // inherits the socket

  const curfew::testing::TreeOf self;
  EXPECT_EQ(OwnerCheck(self, proc).Of(curfew::testing::InodeOf(socket), ::geteuid()).verdict, Verdict::kOurs);
  const curfew::testing::TreeOf of_child(child.pid());
  EXPECT_EQ(OwnerCheck(of_child, proc).Of(curfew::testing::InodeOf(socket), ::geteuid()).verdict,
            Verdict::kOurs);
}

TEST(OwnerCheckOnRealProcTest, TestProgramItselfIsAStrangerAndSaysSo) {
  const procfs::Proc proc;
  const curfew::testing::Child child;
  const process::FileDescriptor socket = curfew::testing::Listen("127.0.0.1");
  const curfew::testing::TreeOf tree(child.pid());
  const Ownership whose = OwnerCheck(tree, proc).Of(curfew::testing::InodeOf(socket), ::geteuid());
  EXPECT_EQ(whose.verdict, Verdict::kStrangers);
  EXPECT_THAT(whose.holder, HasSubstr("pid " + std::to_string(::getpid())));
  EXPECT_THAT(whose.holder, HasSubstr("this test program itself"));
}

}  // namespace
}  // namespace curfew::readiness
