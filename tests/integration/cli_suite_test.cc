// SPDX-License-Identifier: Apache-2.0
// A whole suite under `curfew run -- ctest -j8`: who is blamed for what it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "processes.h"

namespace curfew::testing_support {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kKinds = {
    "Child", "ChildOfChild", "Daemon", "DaemonClosed", "DaemonElsewhere", "DaemonListener", "DaemonOfDaemon",
    "DaemonWithoutEnvironment", "DeafToTerm", "Deleted", "Executed", "ExecutedWithoutEnvironment", "Listener", "Many",
    "OwnGroup", "OwnSession", "Stopped", "WildCommand", "WildName", "Zombie"};

class CliSuiteTest : public testing::Test {
 protected:
  ~CliSuiteTest() override { truth_.EndAll(); }

  // Runs one test program for each kind, eight at a time, under curfew run; the exit code.
  int RunSuite(const std::string& leaks_in_programs, const std::string& filter_prefix) {
    fs::create_directories(strays_);
    std::ofstream file(directory_.path() + "/CTestTestfile.cmake");
    for (const auto& kind : kKinds) {
      file << "add_test(" << kind << " \"" << CURFEW_LEAKY << "\" \"--gtest_filter=" << filter_prefix << kind
           << "\")\n";
    }
    file.close();
    Program program({CURFEW_PROGRAM, "run", "--grace=200ms", "--resources=off", "--", CURFEW_CTEST, "--test-dir",
                     directory_.path(), "-j8"},
                    {{Truth::kVariable, truth_.token()},
                     {"TMPDIR", directory_.path()},
                     {"STRAYS", strays_},
                     {"CURFEW_LEAKS", leaks_in_programs}},
                    output_);
    const auto status = program.Wait(std::chrono::seconds(100));
    return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  }
  // For each leaked process in the report, the line of who began it.
  [[nodiscard]] std::map<pid_t, std::string> Blamed() const {
    std::map<pid_t, std::string> blamed;
    std::istringstream text(ReadFile(output_));
    pid_t pid = 0;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("leaked process ")) pid = static_cast<pid_t>(std::stol(line.substr(15)));
      if (line.starts_with("  begun by ")) blamed[pid] = line;
    }
    return blamed;
  }
  void ExpectRightBlame() const {
    const auto blamed = Blamed();
    std::size_t strays = 0;
    for (const auto& entry : fs::directory_iterator(strays_)) {
      std::string test = entry.path().filename();
      std::ranges::replace(test, '+', '/');
      std::ifstream numbers(entry.path());
      for (pid_t pid = 0; numbers >> pid; ++strays) {
        ASSERT_TRUE(blamed.contains(pid)) << pid << " of " << test << "\n" << ReadFile(output_);
        EXPECT_THAT(blamed.at(pid), HasSubstr("in " + test)) << pid;
      }
    }
    EXPECT_EQ(strays, 26U);
    EXPECT_EQ(blamed.size(), strays) << "strangers are in the report\n" << ReadFile(output_);
  }

  Truth truth_;
  TemporaryDirectory directory_;
  std::string strays_ = directory_.path() + "/strays";
  std::string output_ = directory_.path() + "/output";
};

TEST_F(CliSuiteTest, EachOfTwentyLeaksIsBlamedOnItsTest) {
  EXPECT_EQ(RunSuite("warn", "Kind/Leaky.Passes/"), 86) << ReadFile(output_);
  ExpectRightBlame();
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliSuiteTest, AProgramThatFailsForItsLeakIsAFailureOfTheCommand) {
  EXPECT_EQ(RunSuite("fail", "Kind/Leaky.Passes/"), 8) << ReadFile(output_);
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliSuiteTest, CleanSuiteIsZeroAndSaysNothing) {
  EXPECT_EQ(RunSuite("fail", "Clean.LeavesNothing:No.Such"), 0) << ReadFile(output_);
  EXPECT_THAT(ReadFile(output_), testing::Not(HasSubstr("curfew:")));
}

}  // namespace
}  // namespace curfew::testing_support
