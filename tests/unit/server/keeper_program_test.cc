// SPDX-License-Identifier: Apache-2.0
#include "server/keeper_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace curfew::server {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

class KeeperProgramTest : public testing::Test {
 protected:
  KeeperProgramTest() { ::unsetenv("CURFEW_KEEPER_PROGRAM"); }
  ~KeeperProgramTest() override { ::unsetenv("CURFEW_KEEPER_PROGRAM"); }
};

TEST_F(KeeperProgramTest, TheEnvironmentComesFirst) {
  ::setenv("CURFEW_KEEPER_PROGRAM", "/bin/true", 1);
  EXPECT_EQ(FindKeeperProgram().path, "/bin/true");
}

TEST_F(KeeperProgramTest, RelativeVariableIsMeantFromHere) {
  const auto here = fs::current_path();
  fs::current_path("/usr/bin");
  ::setenv("CURFEW_KEEPER_PROGRAM", "./true", 1);
  const auto found = FindKeeperProgram();
  fs::current_path(here);
  EXPECT_TRUE(found.path.starts_with("/usr/bin/")) << found.path;
}

TEST_F(KeeperProgramTest, AWrongVariableIsNotPassedOver) {
  ::setenv("CURFEW_KEEPER_PROGRAM", "/nowhere/curfew-keeper", 1);
  const auto found = FindKeeperProgram();
  EXPECT_EQ(found.path, "");
  EXPECT_THAT(found.looked, SizeIs(1));
  EXPECT_THAT(found.WhyNone(), HasSubstr("/nowhere/curfew-keeper (the variable CURFEW_KEEPER_PROGRAM)"));
}

TEST_F(KeeperProgramTest, SaysEveryPlaceThatHasNone) {
  const auto found = FindKeeperProgram();
  if (!found.path.empty()) GTEST_SKIP() << "Curfew is installed on this machine: " << found.path;
  EXPECT_THAT(found.looked, Contains(HasSubstr("libexec/curfew/curfew-keeper (beside this program)")));
  EXPECT_THAT(found.looked, Contains(HasSubstr("(the prefix Curfew was configured for)")));
  EXPECT_THAT(found.WhyNone(), HasSubstr("CURFEW_KEEPER_PROGRAM"));
}

// A prefix with a copy of this program in it: where one lies is where it looks.
class KeeperProgramPlacesTest : public KeeperProgramTest {
 protected:
  KeeperProgramPlacesTest() {
    std::string name = fs::temp_directory_path() / "curfew-prefix-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    prefix_ = name;
    fs::create_directories(Program().parent_path());
    fs::copy_file("/proc/self/exe", Program());
  }
  ~KeeperProgramPlacesTest() override {
    std::error_code ignored;
    fs::remove_all(prefix_, ignored);
  }
  // Two below it, as PREFIX/lib/x86_64-linux-gnu/libcurfew_harness.so, in which this code may be, too.
  [[nodiscard]] fs::path Program() const { return prefix_ / "lib/x86_64-linux-gnu/program"; }
  void PutKeeper(const fs::path& where) const {
    fs::create_directories((prefix_ / where).parent_path());
    fs::create_symlink("/bin/true", prefix_ / where);
  }
  // What the copy prints.
  [[nodiscard]] std::string Found() const {
    const std::string command =
        Program().string() + " --gtest_also_run_disabled_tests --gtest_filter='*.DISABLED_TellsWhere'";
    std::FILE* const output = ::popen(command.c_str(), "r");
    if (output == nullptr) throw std::runtime_error("popen " + command);
    std::string text;
    for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) text += static_cast<char>(c);
    ::pclose(output);
    return text;
  }

  fs::path prefix_;
};

// Run in the copies alone.
TEST_F(KeeperProgramTest, DISABLED_TellsWhere) { std::printf("found <%s>\n", FindKeeperProgram().path.c_str()); }

TEST_F(KeeperProgramPlacesTest, BesideTheProgram) {
  PutKeeper("lib/x86_64-linux-gnu/curfew-keeper");
  EXPECT_THAT(Found(), HasSubstr("found <" + (prefix_ / "lib/x86_64-linux-gnu/curfew-keeper").string() + ">"));
}

TEST_F(KeeperProgramPlacesTest, BelowThePrefixOfTheLibrary) {
  PutKeeper("libexec/curfew/curfew-keeper");
  EXPECT_THAT(Found(), HasSubstr("found <" + (prefix_ / "libexec/curfew/curfew-keeper").string() + ">"));
}

}  // namespace
}  // namespace curfew::server
