// SPDX-License-Identifier: Apache-2.0
#include "containment/stale_run.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

namespace curfew::containment {
namespace {

using namespace std::chrono_literals;
using process::Tag;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StaleRunTest : public ::testing::Test {
 protected:
  ~StaleRunTest() override {
    for (const pid_t pid : children_) {  // uncollected children of ours: the numbers are theirs
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  // A child with this tag, that lives until it is killed.
  pid_t Begin(Tag tag, const std::function<void()>& body = [] {}) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(60);
      if (process::ApplyTag(tag) != 0) ::_exit(9);
      body();
      ::close(ready[1]);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 0);
    ::close(ready[0]);
    children_.push_back(pid);
    return pid;
  }
  // The stale run of our own making, among those that others may have left on this machine.
  std::vector<StaleRun> Ours() {
    auto runs = FindStaleRuns(proc_);
    std::erase_if(runs, [this](const StaleRun& run) { return run.run != tag_.RunId(); });
    return runs;
  }

  procfs::Proc proc_;
  Tag tag_ = Tag::ForNewRun(process::TagCeiling()).value();
  std::vector<pid_t> children_;
};

TEST_F(StaleRunTest, AServerWhoseRunIsGoneIsFoundAndReaped) {
  const pid_t server = Begin(tag_.WithSlot(3), [] { ::setsid(); });
  const pid_t other = Begin(tag_.WithSlot(4));
  const auto runs = Ours();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(runs.front().tags, SizeIs(2));
  ASSERT_THAT(runs.front().processes, SizeIs(2));
  EXPECT_THAT(ReapStaleRun(proc_, runs.front(), std::chrono::steady_clock::now() + 20s), IsEmpty());
  for (const pid_t pid : {server, other}) {
    const auto stat = proc_.ReadStat(pid);
    EXPECT_TRUE(!stat || stat->zombie()) << pid;
  }
  EXPECT_THAT(Ours(), IsEmpty()) << "zombies are nobody's concern";
}

TEST_F(StaleRunTest, ARunIsAliveAsLongAsItsKeeperOrAWardenIs) {
  Begin(tag_.WithSlot(3));
  Begin(tag_.WithSlot(Tag::kCurfew));
  EXPECT_THAT(Ours(), IsEmpty());
}

// The program that began the run had no mark when it was executed; what a body of its begins has.
TEST_F(StaleRunTest, ARunIsAliveAsLongAsItsTestProgramMayBe) {
  Begin(tag_.WithSlot(3));
  Begin(tag_);
  EXPECT_THAT(Ours(), IsEmpty());
}

TEST_F(StaleRunTest, AStrayOfADeadTestProgramIsFoundByItsMark) {
  const std::string mark = "CURFEW_MARK=" + tag_.RunId() + "//";
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t stray = ::fork();
  if (stray == 0) {
    ::alarm(60);
    if (process::ApplyTag(tag_) != 0) ::_exit(9);
    char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("60"), nullptr};
    char* const env[] = {const_cast<char*>(mark.c_str()), nullptr};
    ::execve("/bin/sleep", argv, env);
    ::_exit(127);
  }
  children_.push_back(stray);
  ::close(ready[1]);
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 0);  // it has executed the program
  ::close(ready[0]);
  const auto runs = Ours();
  ASSERT_THAT(runs, SizeIs(1));
  ASSERT_THAT(runs.front().processes, SizeIs(1));
  EXPECT_EQ(runs.front().processes.front().pid, stray);
}

TEST_F(StaleRunTest, TheRunThatBeganUsIsNeverStale) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    // As below a server of that run.
    if (process::ApplyTag(tag_.WithSlot(3)) != 0) ::_exit(9);
    for (const auto& run : FindStaleRuns(proc_)) {
      if (run.run == tag_.RunId()) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace curfew::containment
