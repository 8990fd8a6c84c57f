// SPDX-License-Identifier: Apache-2.0
#include "leaks/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

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
  EXPECT_TRUE(has("POSIX shared memory") && has("POSIX message queue") && has("network namespace") && has("Unix socket file"));
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

TEST_F(ResourcesTest, TablesAreReadAsTheKernelWritesThem) {
  const auto memory = Resources::ParseSysV(
      "System V shared memory",
      "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime   rss  swap\n"
      "      1234          4  1600                    56  4711  4711      0     0     0     0     0  1  0  1  4096  0\n"
      "         0          5  1600                    56  4711  4711      2     0     0     0     0  1  0  1  4096  0\n"
      "         0          6  16");
  ASSERT_THAT(memory, SizeIs(1));
  EXPECT_EQ(memory.begin()->second.name, "id 4, key 1234, 56 bytes, made by process 4711");
  EXPECT_EQ(memory.begin()->second.maker, 4711);
  const auto mounts = Resources::ParseMounts("36 35 98:0 / /mnt/a\\040b rw - ext3 /dev/root rw\n\nrubbish\n");
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts.begin()->second.name, "/mnt/a\\040b");
}

}  // namespace
}  // namespace curfew::leaks
