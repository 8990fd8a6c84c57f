// SPDX-License-Identifier: Apache-2.0
#include "leaks/run_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace curfew::leaks {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::SizeIs;

class RunDirectoryTest : public testing::Test {
 protected:
  RunDirectoryTest() {
    std::string name = testing::TempDir() + "curfew-directories-XXXXXX";
    parent_ = ::mkdtemp(name.data());
  }
  ~RunDirectoryTest() override { fs::remove_all(parent_); }

  // A run's directory, made an hour ago.
  [[nodiscard]] fs::path Make(const std::string& name = "curfew-cf0123456789") const {
    const auto directory = parent_ / name;
    fs::create_directories(directory);
    std::ofstream(directory / "journal.jsonl") << "{}\n";
    fs::last_write_time(directory, fs::file_time_type::clock::now() - std::chrono::hours(1));
    return directory;
  }

  fs::path parent_;
};

TEST_F(RunDirectoryTest, WithoutAnOwnerItIsStale) {
  const auto directory = Make();
  const auto stale = FindStaleDirectories(parent_);
  ASSERT_THAT(stale, SizeIs(1));
  EXPECT_EQ(stale[0].run, "cf0123456789");
  EXPECT_TRUE(RemoveStaleDirectory(stale[0]));
  EXPECT_FALSE(fs::exists(directory));
}

TEST_F(RunDirectoryTest, WithAnOwnerItIsNotAndCannotBeRemoved) {
  const auto directory = Make();
  const auto stale = FindStaleDirectories(parent_);
  const auto owner = LockRunDirectory(directory);
  ASSERT_TRUE(owner.valid());
  EXPECT_THAT(FindStaleDirectories(parent_), IsEmpty());
  ASSERT_THAT(stale, SizeIs(1));
  EXPECT_FALSE(RemoveStaleDirectory(stale[0]));
  EXPECT_TRUE(fs::exists(directory));
}

TEST_F(RunDirectoryTest, OtherDirectoriesAreNoneOfOurs) {
  static_cast<void>(Make("curfew-test-a1b2c3"));
  static_cast<void>(Make("curfew-cf01234567"));
  static_cast<void>(Make("other-cf0123456789"));
  fs::create_directory_symlink(Make("elsewhere"), parent_ / "curfew-cf0123456780");
  const auto foreign = parent_ / "curfew-abcdefabcdef";
  fs::create_directories(foreign / "holiday-photos");
  fs::last_write_time(foreign, fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_THAT(FindStaleDirectories(parent_), IsEmpty());
}

TEST_F(RunDirectoryTest, YoungOneMayJustBeBegun) {
  const auto directory = Make();
  fs::last_write_time(directory, fs::file_time_type::clock::now());
  EXPECT_THAT(FindStaleDirectories(parent_), IsEmpty());
}

}  // namespace
}  // namespace curfew::leaks
