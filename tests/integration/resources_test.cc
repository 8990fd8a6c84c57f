// SPDX-License-Identifier: Apache-2.0
// Test programs that are short of something: standard descriptors, processes, room on the disk. Each start is a
// clear error or works, and nothing is left of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "processes.h"

namespace curfew {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::Program;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;
using testing_support::Truth;

class Resources : public testing::Test {
 protected:
  // Runs a line of sh to its end, with $VICTIM to start; its exit code (128 + signal if it was killed).
  int Run(const std::string& line) {
    Program shell({"/bin/sh", "-c", line},
                  {{Truth::kVariable, truth_.token()},
                   {"TMPDIR", directory_.path()},
                   {"VICTIM", CURFEW_VICTIM},
                   {"DIRECTORY", directory_.path()}},
                  output_);
    const auto status = shell.Wait();
    if (!status) return -1;
    return WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
  }
  std::string Output() const { return ReadFile(output_); }
  ~Resources() override { EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe(); }

  Truth truth_;
  TemporaryDirectory outside_;
  TemporaryDirectory directory_;
  std::string output_ = outside_.path() + "/output";
};

TEST_F(Resources, ClosedStandardDescriptorsDoNotMatter) {
  for (const auto* closed : {"<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"}) {
    EXPECT_EQ(Run(std::string("exec $VICTIM return double_fork_daemon ") + closed), 0) << closed << Output();
  }
}

TEST_F(Resources, NoProcessLeftIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root, to become a user who has no process yet";
  ::chmod(directory_.path().c_str(), 0777);
  // A user nobody has; the limit counts all processes of a user, and the program itself is one.
  const int code = Run("exec setpriv --reuid=54321 --clear-groups prlimit --nproc=1 $VICTIM return tcp_echo");
  EXPECT_NE(code, 0);
  EXPECT_THAT(Output(), AllOf(HasSubstr("could not start the keeper"), HasSubstr("EAGAIN")));
}

TEST_F(Resources, FullDiskIsSaid) {
  // The directory of the run can still be made, that of the server not.
  const int code =
      Run("exec unshare -rm sh -c 'mount -t tmpfs -o size=64k,nr_inodes=3 none $DIRECTORY || exit 77; exec $VICTIM "
          "return tcp_echo'");
  if (code == 77 || Output().find("unshare failed") != std::string::npos) {
    GTEST_SKIP() << "no mount in a user namespace here: " << Output();
  }
  EXPECT_NE(code, 0);
  EXPECT_THAT(Output(), HasSubstr("ENOSPC"));
}

// Whatever number of descriptors there is, a start works or is a StartError that says EMFILE.
TEST_F(Resources, NoDescriptorLeftIsSaid) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan's check of virtual calls takes a descriptor of its own and reports nonsense without; other "
                  "presets run this";
#endif
  for (int limit = 5; limit <= 24; ++limit) {
    std::filesystem::remove(output_);
    const int code = Run("ulimit -n " + std::to_string(limit) + "; exec $VICTIM return tcp_echo");
    if (code != 0) {
      EXPECT_THAT(Output(), AllOf(HasSubstr("failed to start"), HasSubstr("EMFILE"))) << limit;
    }
  }
}

TEST_F(Resources, IgnoredSigchldDoesNotMatter) {
  for (int round = 0; round < 5; ++round)
    EXPECT_EQ(Run("trap '' CHLD; exec $VICTIM return double_fork_daemon"), 0) << Output();
}

}  // namespace
}  // namespace curfew
