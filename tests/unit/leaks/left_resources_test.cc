// SPDX-License-Identifier: Apache-2.0
#include "leaks/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>

#include "process/tag.h"

namespace curfew::leaks {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::SizeIs;

class ResourcesTest : public testing::Test {
 protected:
  ResourcesTest() {
    std::string name = testing::TempDir() + "curfew-resources-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    for (const char* part : {"shm", "mqueue", "netns", "tmp"}) fs::create_directory(directory_ / part);
    places_ = {directory_ / "shm", directory_ / "mqueue", directory_ / "netns", {directory_ / "tmp"}};
  }
  ~ResourcesTest() override { fs::remove_all(directory_); }

  // What has appeared below our own directory: the machine's tables are everybody's.
  [[nodiscard]] std::vector<Resource> Left(const Resources& before) const {
    auto left = Resources::Take(proc_, places_).LeftSince(before, proc_);
    std::erase_if(left, [this](const Resource& each) { return !each.path.starts_with(directory_.string()); });
    return left;
  }
  // Binds a socket file; the descriptor keeps it in use.
  [[nodiscard]] int Bind(const fs::path& path) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  procfs::Proc proc_;
  fs::path directory_;
  Resources::Places places_;
};

TEST_F(ResourcesTest, FilesThatAppearedAndNobodyUsesAreLeft) {
  std::ofstream(directory_ / "shm" / "old") << "x";
  const auto before = Resources::Take(proc_, places_);
  EXPECT_THAT(Left(before), IsEmpty());
  std::ofstream(directory_ / "shm" / "new") << "x";
  std::ofstream(directory_ / "mqueue" / "q") << "x";
  std::ofstream(directory_ / "netns" / "n") << "x";
  ::close(Bind(directory_ / "tmp" / "s"));
  std::ofstream(directory_ / "tmp" / "plain") << "x";  // no socket
  const auto left = Left(before);
  ASSERT_THAT(left, SizeIs(4));
  const auto has = [&left](const char* kind) { return std::ranges::find(left, kind, &Resource::kind) != left.end(); };
  EXPECT_TRUE(has("POSIX shared memory") && has("POSIX message queue") && has("network namespace") &&
              has("Unix socket file"));
}

TEST_F(ResourcesTest, WhatSomebodyAliveUsesIsAStrangers) {
  const auto before = Resources::Take(proc_, places_);
  const int socket = Bind(directory_ / "tmp" / "s");
  const int memory = ::open((directory_ / "shm" / "m").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_THAT(Left(before), IsEmpty());
  ::close(socket);
  ::close(memory);
  EXPECT_THAT(Left(before), SizeIs(2));
}

TEST_F(ResourcesTest, RealSharedMemoryOfADeadProcessIsLeft) {
  const auto before = Resources::Take(proc_, places_);
  int id[2];
  ASSERT_EQ(::pipe(id), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int made = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    ::_exit(::write(id[1], &made, sizeof made) == sizeof made ? 0 : 1);
  }
  ::waitpid(child, nullptr, 0);
  int made = -1;
  ASSERT_EQ(::read(id[0], &made, sizeof made), static_cast<ssize_t>(sizeof made));
  if (made < 0) GTEST_SKIP() << "no System V shared memory here";
  const auto left = Resources::Take(proc_, places_).LeftSince(before, proc_);
  EXPECT_TRUE(std::ranges::any_of(left, [child](const Resource& each) { return each.maker == child; }));
  ::shmctl(made, IPC_RMID, nullptr);
}

// What a process holds that began meanwhile and is of no run.
class HeldTest : public ResourcesTest {
 protected:
  // A child that sheds environment and tag and then does this; the kernel's word on what it is known by is not asked.
  template <class Body>
  [[nodiscard]] pid_t Hold(Body body) const {
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      const bool done = body();
      if (::write(ready[1], done ? "y" : "n", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char answer = 0;
    EXPECT_EQ(::read(ready[0], &answer, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    can_ = answer == 'y';
    return child;
  }
  static void End(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  [[nodiscard]] std::vector<Resource> HeldBy(pid_t child, const Resources& before) const {
    auto left = Resources::Take(proc_, places_).LeftSince(before, proc_);
    std::erase_if(left, [child](const Resource& each) {
      return !each.holder.starts_with("process " + std::to_string(child) + ' ');
    });
    return left;
  }
  mutable bool can_ = false;
};

TEST_F(HeldTest, AbstractSocketsAndListeningPortsOfStrangersThatBeganMeanwhileAreTold) {
  if (::getenv("CURFEW_MARK") != nullptr) GTEST_SKIP() << "inside a run every child is one of its own";
  const auto before = Resources::Take(proc_, places_);
  const std::string name = "@curfew-test-" + std::to_string(::getpid());
  const pid_t child = Hold([&name] {
    const int unix_socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(unix_socket, reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(unix_socket, 1) == 0 &&
           ::bind(tcp, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback) == 0 && ::listen(tcp, 1) == 0;
  });
  const auto held = HeldBy(child, before);
  End(child);
  ASSERT_TRUE(can_);
  ASSERT_THAT(held, SizeIs(2));
  EXPECT_EQ(held[0].kind, "abstract Unix socket");
  EXPECT_EQ(held[0].name, name);
  EXPECT_EQ(held[1].kind, "listening port");
  EXPECT_THAT(held[1].ToString(), testing::StartsWith("listening port 127.0.0.1:"));
  EXPECT_THAT(HeldBy(child, before), IsEmpty()) << "gone with its holder";
}

TEST_F(HeldTest, WhatAnOlderProcessOrOneOfARunHoldsIsNotTold) {
  const auto listen = [] {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    return ::listen(fd, 1) == 0;  // on a port of the kernel's choice
  };
  const pid_t older = Hold(listen);
  const auto before = Resources::Take(proc_, places_);
  EXPECT_THAT(HeldBy(older, before), IsEmpty());
  End(older);
  const auto tag = process::Tag::ForNewRun(process::TagCeiling());
  if (!tag) GTEST_SKIP() << "no room for a tag here";
  const pid_t tagged = Hold([&] { return process::ApplyTag(*tag) == 0 && listen(); });
  EXPECT_TRUE(can_);
  EXPECT_THAT(HeldBy(tagged, before), IsEmpty()) << "the leak check tells of it";
  End(tagged);
}

TEST_F(HeldTest, NetworkNamespaceThatAProcessKeepsIsTold) {
  if (::getenv("CURFEW_MARK") != nullptr) GTEST_SKIP() << "inside a run every child is one of its own";
  const auto before = Resources::Take(proc_, places_);
  const pid_t child = Hold([] { return ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0; });
  const auto held = HeldBy(child, before);
  End(child);
  if (!can_) GTEST_SKIP() << "no network namespace can be made here";
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_THAT(held[0].ToString(), testing::StartsWith("network namespace net:["));
  EXPECT_TRUE(held[0].MayBeAStrangers()) << "a container that somebody has begun is no fault of the run";
}

TEST_F(ResourcesTest, ANamedNetworkNamespaceThatAProcessIsInIsAStrangers) {
  const procfs::Proc proc(directory_ / "proc");
  const auto before = Resources::Take(proc, places_);
  const auto name = directory_ / "netns" / "n";
  std::ofstream(name) << "x";
  struct stat status {};
  ASSERT_EQ(::stat(name.c_str(), &status), 0);
  EXPECT_THAT(Resources::Take(proc, places_).LeftSince(before, proc), SizeIs(1));
  fs::create_directories(directory_ / "proc" / "5" / "ns");
  fs::create_symlink("net:[" + std::to_string(status.st_ino) + "]", directory_ / "proc" / "5" / "ns" / "net");
  const auto left = Resources::Take(proc, places_).LeftSince(before, proc);
  EXPECT_TRUE(std::ranges::none_of(left, [&name](const Resource& each) { return each.path == name; }));
}

TEST_F(ResourcesTest, SemaphoresThatSomebodyAliveHasSetAreAStrangers) {
  const auto before = Resources::Take(proc_, places_);
  const int id = ::semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
  if (id < 0) GTEST_SKIP() << "no System V semaphores here";
  const auto told = [&] {
    const auto left = Resources::Take(proc_, places_).LeftSince(before, proc_);
    return std::ranges::find(left, "ipcrm -s " + std::to_string(id), &Resource::removal) != left.end();
  };
  EXPECT_TRUE(told()) << "nobody has used them";
  ::semctl(id, 1, SETVAL, 1);  // by this process, which lives
  EXPECT_FALSE(told());
  ::semctl(id, 0, IPC_RMID);
}

TEST_F(ResourcesTest, NamesAreEscapedAndTheWayToRemoveThemIsQuoted) {
  const auto before = Resources::Take(proc_, places_);
  std::ofstream(directory_ / "shm" / "a'b\n\x1b[31m") << "x";
  const auto left = Left(before);
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_THAT(left[0].removal, testing::EndsWith("a'\\''b\n\x1b[31m'"));
  EXPECT_THAT(left[0].ToString(),
              testing::AllOf(testing::Not(testing::HasSubstr("\n")), testing::Not(testing::HasSubstr("\x1b"))));
}

TEST_F(ResourcesTest, TablesAreReadAsTheKernelWritesThem) {
  const auto memory = Resources::ParseSysV(
      "System V shared memory",
      "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      "
      "dtime      ctime   rss  swap\n"
      "      1234          4  1600                    56  4711  4711      0     0     0     0     0  1  0  1  4096  0\n"
      "         0          5  1600                    56  4711  4711      2     0     0     0     0  1  0  1  4096  0\n"
      "         0          6  16");
  ASSERT_THAT(memory, SizeIs(1));
  EXPECT_EQ(memory.begin()->second.name, "id 4, key 1234, 56 bytes, made by process 4711");
  EXPECT_EQ(memory.begin()->second.maker, 4711);
  const auto mounts = Resources::ParseMounts("36 35 98:0 / /mnt/a\\040b rw - ext3 /dev/root rw\n\nrubbish\n");
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts.begin()->second.name, "/mnt/a\\040b");
  const auto mounted = Resources::ParseMounts("36 35 0:4 net:[4026532001] /tmp/a\\040b rw - nsfs nsfs rw\n");
  ASSERT_THAT(mounted, SizeIs(1));
  EXPECT_EQ(mounted.begin()->second.kind, "network namespace");
  EXPECT_EQ(mounted.begin()->second.removal, "umount '/tmp/a b'");
  const auto abstract = Resources::ParseAbstract(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "00000000b35ae0a8: 00000002 00000000 00010000 0001 01 101 @listens here\n"
      "00000000b35ae0a8: 00000003 00000000 00000000 0001 03 102 @listens here\n"
      "00000000b35ae0a8: 00000002 00000000 00000000 0002 01 103 @0a1b2\n"
      "00000000b35ae0a8: 00000002 00000000 00010000 0001 01 104 /run/file\n"
      "00000000b35ae0a8: 00000002 00000000 00000000 0002 01 105 @datagrams\n"
      "00000000b35ae0a8: 000");
  ASSERT_THAT(abstract, SizeIs(2));
  EXPECT_EQ(abstract.begin()->second.name, "@listens here");
}

}  // namespace
}  // namespace curfew::leaks
