// SPDX-License-Identifier: Apache-2.0
#include "process/pidfd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <utility>

#include "child.h"
#include "process/file_descriptor.h"

namespace curfew::process {
namespace {

using curfew::testing::Child;

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}
int OpenNull() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(PidfdTest, PinsALivingProcess) {
  const Child child;
  auto pinned = Pidfd::Open(child.pid());
  ASSERT_TRUE(pinned) << pinned.failure().ToString();
  EXPECT_EQ(pinned->pid(), child.pid());
  EXPECT_TRUE(pinned->valid());
  EXPECT_FALSE(pinned->Ended());
  EXPECT_EQ(pinned->Signal(0), 0);
  EXPECT_TRUE(::fcntl(pinned->get(), F_GETFD) & FD_CLOEXEC) << "no server may inherit it";
}

TEST(PidfdTest, SignalsTheProcess) {
  Child child;
  auto pinned = Pidfd::Open(child.pid());
  EXPECT_EQ(pinned->Signal(SIGTERM), 0);
  EXPECT_EQ(child.Collect(), -SIGTERM);
}

TEST(PidfdTest, ZombieHasEndedAndCanStillBePinned) {
  Child child([] { return 3; });
  auto before = Pidfd::Open(child.pid());
  child.WaitUntilZombie();
  auto after = Pidfd::Open(child.pid());
  ASSERT_TRUE(after);
  EXPECT_TRUE(before->Ended());
  EXPECT_TRUE(after->Ended());
  EXPECT_EQ(after->Signal(SIGTERM), 0) << "a signal to a zombie goes nowhere, and is no error";
  EXPECT_EQ(child.Collect(), 3);
}

TEST(PidfdTest, CollectedProcessIsOutOfReach) {
  Child child([] { return 0; });
  const pid_t pid = child.pid();
  auto pinned = Pidfd::Open(pid);
  child.Collect();
  EXPECT_TRUE(pinned->Ended());
  EXPECT_EQ(pinned->Signal(SIGKILL), ESRCH);
  const auto gone = Pidfd::Open(pid);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.failure().error, ESRCH);
}

TEST(PidfdTest, ImpossibleNumbersAreRefused) {
  for (const pid_t pid : {0, -1}) {
    const auto none = Pidfd::Open(pid);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.failure().error, EINVAL);
  }
  EXPECT_FALSE(Pidfd().valid());
}

TEST(PidfdTest, SignalsTheGroupOfALeaderThatIsGone) {
  // Through the pipes the leader says that its group stands, and its end lets the member show that it got the
  // signal.
  int ready[2] = {};
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const FileDescriptor from(ready[0]);
  FileDescriptor to(ready[1]);
  Child leader([&to] {
    ::setpgid(0, 0);
    if (::fork() == 0) {
      ::alarm(60);  // if the signal never comes
      static_cast<void>(::write(to.get(), "m", 1));
      return ::pause();
    }
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(::read(from.get(), &byte, 1), 1);
  to.Reset();
  leader.WaitUntilZombie();
  auto pinned = Pidfd::Open(leader.pid());
  const int error = pinned->SignalGroup(SIGKILL);
  if (error == EINVAL) {
    ::kill(-leader.pid(), SIGKILL);
    GTEST_SKIP() << "needs Linux 6.9";
  }
  EXPECT_EQ(error, 0);
  EXPECT_EQ(::read(from.get(), &byte, 1), 0) << "the member's end closes the pipe";
}

TEST(FileDescriptorTest, ClosesWhatItOwnsOnce) {
  const int fd = OpenNull();
  {
    FileDescriptor owner(fd);
    owner.Reset(fd);
    EXPECT_TRUE(IsOpen(fd)) << "given its own again";
    FileDescriptor next(std::move(owner));
    EXPECT_EQ(next.get(), fd);
    const int other = OpenNull();
    next = FileDescriptor(other);
    EXPECT_FALSE(IsOpen(fd));
    EXPECT_TRUE(IsOpen(other));
    EXPECT_EQ(next.Release(), other);
    EXPECT_FALSE(next.valid());
    EXPECT_TRUE(IsOpen(other));
    ::close(other);
  }
}

TEST(FileDescriptorTest, ClosingLeavesErrnoAlone) {
  errno = ENOENT;
  { const FileDescriptor bad(1 << 20); }
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace curfew::process
