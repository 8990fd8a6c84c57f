// SPDX-License-Identifier: Apache-2.0
#include "server/executable.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "temp_proc.h"

namespace curfew::server {
namespace {

using ::testing::ElementsAre;

// a/tool may be executed, b/tool not, c/tool is a directory, d is empty. The test stands in the folder.
class FindExecutableTest : public ::testing::Test {
 protected:
  FindExecutableTest() : previous_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder_.root());
    root_ = std::filesystem::current_path();
    folder_.Write("a/tool", "#!/bin/sh\n");
    ::chmod("a/tool", 0755);
    folder_.Write("b/tool", "#!/bin/sh\n");
    ::chmod("b/tool", 0644);
    std::filesystem::create_directories("c/tool");
    std::filesystem::create_directory("d");
  }
  ~FindExecutableTest() override { std::filesystem::current_path(previous_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return (root_ / name).string(); }

  curfew::testing::TempProc folder_;  // a temporary folder like any other
  std::filesystem::path previous_;
  std::filesystem::path root_;
};

TEST_F(FindExecutableTest, TakesTheFirstThatFits) {
  const auto search = FindExecutable("tool", Path("d") + ":" + Path("b") + ":" + Path("c") + ":" + Path("a"));
  EXPECT_EQ(search.error, 0);
  EXPECT_EQ(search.path, Path("a/tool"));
}

TEST_F(FindExecutableTest, SaysWhereItLookedWhenThereIsNone) {
  const auto search = FindExecutable("tool", Path("d") + ":/does/not/exist");
  EXPECT_EQ(search.error, ENOENT);
  EXPECT_EQ(search.path, "");
  EXPECT_THAT(search.looked, ElementsAre(Path("d"), "/does/not/exist"));
}

TEST_F(FindExecutableTest, WhatWasMetButWouldNotDoIsTheReason) {
  EXPECT_EQ(FindExecutable("tool", Path("b") + ":" + Path("d")).error, EACCES);
  EXPECT_EQ(FindExecutable("tool", Path("c") + ":" + Path("d")).error, EISDIR);
}

// Somebody else for as long as it lives, if this is root: root may search everything.
class NotRoot {
 public:
  NotRoot() : was_root_(::geteuid() == 0 && ::seteuid(65534) == 0) {}
  ~NotRoot() {
    if (was_root_) static_cast<void>(::seteuid(0));
  }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;

 private:
  bool was_root_;
};

TEST_F(FindExecutableTest, ADirectoryThatMayNotBeSearchedHasNothing) {
  std::filesystem::create_directory(root_ / "closed");
  std::filesystem::permissions(root_ / "closed", std::filesystem::perms::none);
  const NotRoot somebody;
  EXPECT_EQ(FindExecutable("tool", Path("closed")).error, ENOENT);
}

TEST_F(FindExecutableTest, EmptyPartsOfPathAreTheWorkingDirectory) {
  std::filesystem::current_path(root_ / "a");
  for (const std::string path : {":/nowhere", "/nowhere::/neither", "/nowhere:", ":"}) {
    const auto search = FindExecutable("tool", path);
    EXPECT_EQ(search.error, 0) << path;
    EXPECT_TRUE(std::filesystem::equivalent(search.path.empty() ? "/" : search.path, Path("a/tool"))) << path;
    EXPECT_TRUE(std::filesystem::path(search.path).is_absolute()) << path;
  }
}

TEST_F(FindExecutableTest, RelativePartsOfPathComeOutAbsolute) {
  EXPECT_EQ(FindExecutable("tool", "d:a").path, Path("a/tool"));
}

TEST_F(FindExecutableTest, ASlashMeansNoSearch) {
  EXPECT_EQ(FindExecutable("a/tool", "").path, Path("a/tool"));
  EXPECT_EQ(FindExecutable(Path("a/tool"), "").path, Path("a/tool"));
  const auto search = FindExecutable("./tool", Path("a"));
  EXPECT_EQ(search.error, ENOENT);
  EXPECT_EQ(search.looked.size(), 1U);
  EXPECT_EQ(search.path, "");
}

TEST_F(FindExecutableTest, ASlashWithTheWrongThingBehindIt) {
  EXPECT_EQ(FindExecutable("b/tool", "").error, EACCES);
  EXPECT_EQ(FindExecutable("c/tool", "").error, EISDIR);
  EXPECT_EQ(FindExecutable("a/tool/further", "").error, ENOTDIR);
  std::filesystem::create_symlink("round", "round");
  EXPECT_EQ(FindExecutable("./round", "").error, ELOOP);
}

}  // namespace
}  // namespace curfew::server
