// SPDX-License-Identifier: Apache-2.0
#include "server/keeper_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>

#include <cstdlib>
#include <filesystem>

#include "process/file_descriptor.h"

namespace curfew::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

class KeeperProgramTest : public testing::Test {
 protected:
  // They put keepers beside this program, and look for them there: one at a time, in other processes, too.
  void SetUp() override {
    ASSERT_EQ(::flock(program_.get(), LOCK_EX), 0);
    ::unsetenv("CURFEW_KEEPER_PROGRAM");
  }
  void TearDown() override { ::unsetenv("CURFEW_KEEPER_PROGRAM"); }

 private:
  process::FileDescriptor program_{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
};

TEST_F(KeeperProgramTest, TheEnvironmentComesFirst) {
  ::setenv("CURFEW_KEEPER_PROGRAM", "/bin/true", 1);
  EXPECT_EQ(FindKeeperProgram().path, "/bin/true");
}

TEST_F(KeeperProgramTest, RelativeVariableIsMeantFromHere) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path("/usr/bin");
  ::setenv("CURFEW_KEEPER_PROGRAM", "./true", 1);
  const auto found = FindKeeperProgram();
  std::filesystem::current_path(here);
  EXPECT_TRUE(found.path.starts_with("/usr/bin/")) << found.path;
}

TEST_F(KeeperProgramTest, AWrongVariableIsNotPassedOver) {
  ::setenv("CURFEW_KEEPER_PROGRAM", "/nowhere/curfew-keeper", 1);
  const auto found = FindKeeperProgram();
  EXPECT_EQ(found.path, "");
  EXPECT_THAT(found.looked, SizeIs(1));
  EXPECT_THAT(found.WhyNone(), HasSubstr("/nowhere/curfew-keeper (the variable CURFEW_KEEPER_PROGRAM)"));
}

TEST_F(KeeperProgramTest, IsFoundBesideTheProgram) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "curfew-keeper";
  std::filesystem::create_symlink("/bin/true", beside);
  const auto found = FindKeeperProgram();
  std::filesystem::remove(beside);
  EXPECT_EQ(found.path, beside);
}

TEST_F(KeeperProgramTest, IsFoundBelowThePrefixOfTheLibrary) {
  // Two above the file that holds this code, as in PREFIX/lib/x86_64-linux-gnu/libcurfew_harness.so.
  const auto prefix = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
  std::filesystem::create_directories(prefix / "libexec/curfew");
  std::filesystem::create_symlink("/bin/true", prefix / "libexec/curfew/curfew-keeper");
  const auto found = FindKeeperProgram();
  std::filesystem::remove_all(prefix / "libexec");
  EXPECT_EQ(found.path, prefix / "libexec/curfew/curfew-keeper");
}

TEST_F(KeeperProgramTest, SaysEveryPlaceThatHasNone) {
  const auto found = FindKeeperProgram();
  if (!found.path.empty()) GTEST_SKIP() << "Curfew is installed on this machine: " << found.path;
  EXPECT_THAT(found.looked, Contains(HasSubstr("libexec/curfew/curfew-keeper (beside this program)")));
  EXPECT_THAT(found.looked, Contains(HasSubstr("(the prefix Curfew was configured for)")));
  EXPECT_THAT(found.WhyNone(), HasSubstr("CURFEW_KEEPER_PROGRAM"));
}

}  // namespace
}  // namespace curfew::server
