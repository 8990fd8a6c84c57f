// SPDX-License-Identifier: Apache-2.0
#include "server/disk_room.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include "namespaces.h"
#include "process/file_descriptor.h"
#include "server/start_story.h"
#include "temp_proc.h"

namespace curfew::server {
namespace {

using curfew::testing::TempProc;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kSmall = "size=64k";
constexpr const char* kFewInodes = "nr_inodes=3";

bool MountSmall(const std::filesystem::path& path, const char* options) {
  return curfew::testing::EnterNamespaces(CLONE_NEWNS) &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tiny", path.c_str(), "tmpfs", 0, options) == 0;
}

// By one file that takes all the space, or by several that take the inodes; false if that fails for another reason.
bool Fill(const std::filesystem::path& path, bool space) {
  constexpr char kPage[4096] = {};
  for (int number = 0; number < 100; ++number) {
    const process::FileDescriptor file(
        ::open((path / std::to_string(number)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    if (!file.valid()) return errno == ENOSPC;
    if (!space) continue;
    while (::write(file.get(), kPage, sizeof kPage) > 0) {
    }
    return errno == ENOSPC;
  }
  return false;
}

// Whether a child in a mount namespace of its own says yes when a small file system is mounted at the path and is full.
// Without the right to mount the test is skipped.
void ExpectOnFullDisk(const std::filesystem::path& path, const char* options, const std::function<bool()>& says_yes) {
  constexpr int kNo = 1;
  constexpr int kMayNot = 2;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(30);  // whatever becomes of who waits
    if (!MountSmall(path, options) || !Fill(path, options == kSmall)) ::_exit(kMayNot);
    ::_exit(says_yes() ? 0 : kNo);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kMayNot) GTEST_SKIP() << "nothing may be mounted here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(DiskRoomTest, WhereThereIsRoomThereIsNothingToSay) {
  const TempProc folder;
  EXPECT_THAT(WhyNoRoom(folder.root()), IsEmpty());
  EXPECT_THAT(WhyNoRoom(folder.root() / "nowhere"), IsEmpty());
}

TEST(DiskRoomTest, FullFileSystemIsNamed) {
  const TempProc folder;
  ExpectOnFullDisk(folder.root(), kSmall, [&] {
    return WhyNoRoom(folder.root()) == "no space is left on the file system of " + folder.root().native() + " (ENOSPC)";
  });
}

TEST(DiskRoomTest, FileSystemWithoutAnInodeLeftIsNamed) {
  const TempProc folder;
  ExpectOnFullDisk(folder.root(), kFewInodes,
                   [&] { return WhyNoRoom(folder.root()).starts_with("no inode is left on"); });
}

TEST(DiskRoomTest, StoryOfAFailedStartTellsOfIt) {
  const TempProc folder;
  const PreparedServer server({.name = "db", .command = {"/bin/sh", "-c", "exit 3", "{port}"}}, folder.root() / "1-db");
  const FailedStart failed{
      .reason = StartError::kDiedEarly, .headline = "it ended", .exit_status = ExitStatus::Exited(3), .pid = 4711};
  EXPECT_THAT(TellStory(server, failed).what(), Not(HasSubstr("\n  disk ")));
  ExpectOnFullDisk(folder.root(), kSmall, [&] {
    const std::string story = TellStory(server, failed).what();
    return story.find("\n  disk        no space is left on the file system of ") != std::string::npos &&
           story.find("\n  try         make room there, or let TMPDIR name a directory of another file system") !=
               std::string::npos;
  });
}

}  // namespace
}  // namespace curfew::server
