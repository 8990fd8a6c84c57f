// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "procfs/proc.h"
#include "procfs/text.h"
#include "temp_proc.h"

namespace curfew::procfs {
namespace {

using namespace std::string_literals;
using curfew::testing::StatText;
using curfew::testing::TempProc;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

TEST(ProcTest, PidsAreTheEntriesThatAreNumbers) {
  const TempProc proc;
  for (const char* name :
       {"1/stat", "4711/stat", "self/stat", "12a/stat", "0/stat", "-3/stat", "99999999999/stat"}) {
    proc.Write(name, "");
  }
  EXPECT_THAT(Proc(proc.root()).Pids(), UnorderedElementsAre(1, 4711));
}

TEST(ProcTest, ListingOfSeveralBuffersIsWhole) {
  const TempProc proc;
  std::vector<pid_t> made;
  for (pid_t pid = 1000; pid < 1400; ++pid) {  // long names beside them: 90 KB of entries
    proc.Write(std::to_string(pid), "");
    proc.Write(std::string(200, 'x') + std::to_string(pid), "");
    made.push_back(pid);
  }
  std::vector<pid_t> listed = Proc(proc.root()).Pids();
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(listed, made);
}

TEST(ProcTest, MissingFilesAreNothing) {
  const TempProc root;  // as hidepid shows the processes of others: not at all, or as empty directories
  std::filesystem::create_directory(root.root() / "4711");
  for (const Proc& proc : {Proc(root.root()), Proc(root.root() / "not-there")}) {
    EXPECT_FALSE(proc.ReadStat(4711));
    EXPECT_THAT(proc.ReadCommand(4711), IsEmpty());
    EXPECT_FALSE(proc.FindInEnviron(4711, "HOME"));
    EXPECT_FALSE(proc.ReadLink(4711, "cwd"));
    EXPECT_FALSE(proc.Uid(4711));
    EXPECT_FALSE(proc.ReadLocksLimit(4711));
    EXPECT_EQ(proc.TracerPid(4711), 0);
    EXPECT_EQ(proc.WaitChannel(4711), "");
    EXPECT_FALSE(proc.SocketInodes(4711));
    EXPECT_FALSE(proc.Describe(4711));
  }
  EXPECT_THAT(Proc(root.root() / "not-there").Pids(), IsEmpty());
}

TEST(ProcTest, CommandIsSplitAtNulsAndKeepsEmptyArguments) {
  const TempProc root;
  root.Write("1/cmdline", "sh\0-c\0\0echo a b\0\0"s);
  root.Write("2/cmdline", "");
  root.Write("3/cmdline", "a title without its NUL");
  root.Write("4/cmdline", "postgres: writer"s + std::string(200, '\0'));
  const Proc proc(root.root());
  EXPECT_THAT(proc.ReadCommand(1), ElementsAre("sh", "-c", "", "echo a b", ""));
  EXPECT_THAT(proc.ReadCommand(2), IsEmpty());
  EXPECT_THAT(proc.ReadCommand(3), ElementsAre("a title without its NUL"));
  EXPECT_THAT(proc.ReadCommand(4), ElementsAre("postgres: writer"));
}

TEST(ProcTest, ChildrenAreThoseOfTheMainThread) {
  const TempProc root;
  root.Write("1/task/1/children", "4711 4712 ");
  root.Write("2/task/2/children", "");
  const Proc proc(root.root());
  EXPECT_THAT(proc.Children(1), ElementsAre(4711, 4712));
  EXPECT_THAT(proc.Children(2), IsEmpty());
  EXPECT_THAT(proc.Children(3), IsEmpty());
}

TEST(ProcTest, NewestPidsAreTheLastWordOfLoadavgAndThoseBelow) {
  const TempProc root;
  const Proc proc(root.root());
  EXPECT_THAT(proc.NewestPids(3), IsEmpty());
  root.Write("loadavg", "0.14 0.10 0.09 2/138 4711\n");
  EXPECT_THAT(proc.NewestPids(3), ElementsAre(4711, 4710, 4709));
  root.Write("loadavg", "0.14 0.10 0.09 2/138 2\n");
  EXPECT_THAT(proc.NewestPids(3), ElementsAre(2, 1));
  root.Write("loadavg", "nonsense");
  EXPECT_THAT(proc.NewestPids(3), IsEmpty());
}

TEST(ProcTest, LongCommandIsReadWhole) {
  const TempProc root;
  const std::string argument(30'000, 'x');
  root.Write("1/cmdline", "a\0"s + argument + '\0');
  EXPECT_THAT(Proc(root.root()).ReadCommand(1), ElementsAre("a", argument));
}

// Of sixty processes with argument lists of a megabyte each the journal would have 60 MB.
TEST(ProcTest, AnArgumentListOfAMegabyteIsCut) {
  const TempProc root;
  std::string text = "a";
  for (int i = 0; i < 10; ++i) text += '\0' + std::string(128 << 10, static_cast<char>('0' + i));
  root.Write("1/cmdline", text);
  const auto command = Proc(root.root()).ReadCommand(1);
  ASSERT_EQ(command.size(), 2U);
  EXPECT_EQ(command[1].substr(command[1].size() - 5), "00...");
  EXPECT_LT(command[1].size(), 40U << 10);
}

TEST(ProcTest, EnvironIsMatchedByTheExactName) {
  const TempProc root;
  root.Write("1/environ", "XCURFEW=0\0CURFEW_RUN=1\0CURFEW\0CURFEW=two=2\0CURFEW=3\0EMPTY=\0V=CURFEW=4\0"s);
  const Proc proc(root.root());
  EXPECT_THAT(proc.FindInEnviron(1, "CURFEW"), Optional("two=2"s));
  EXPECT_THAT(proc.FindInEnviron(1, "CURFEW_RUN"), Optional("1"s));
  EXPECT_THAT(proc.FindInEnviron(1, "EMPTY"), Optional(""s));
  EXPECT_FALSE(proc.FindInEnviron(1, "URFEW"));
  EXPECT_FALSE(proc.FindInEnviron(1, "CURFEW="));
  EXPECT_FALSE(proc.FindInEnviron(1, ""));
}

// Keeps the calling thread, and who is forked by it, on one processor.
class OnOneProcessor {
 public:
  OnOneProcessor() {
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &all_)) CPU_SET(cpu, &one);
    }
    sched_setaffinity(0, sizeof one, &one);
  }
  OnOneProcessor(const OnOneProcessor&) = delete;
  OnOneProcessor& operator=(const OnOneProcessor&) = delete;
  ~OnOneProcessor() { sched_setaffinity(0, sizeof all_, &all_); }

 private:
  cpu_set_t all_{};
};

// A child that yields to everybody has left its old memory when vfork(2) returns, and has nothing in its new
// one yet.
TEST(ProcTest, AProcessInTheMiddleOfExecveIsWaitedFor) {
  const OnOneProcessor pinned;
  const Proc proc;
  int met = 0;
  bool starved = false;
  for (int attempt = 0; attempt < 200 && met < 3 && !starved; ++attempt) {
    const auto pid =
        static_cast<pid_t>(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (pid == 0) {
      alarm(60);
      const sched_param none{};
      sched_setscheduler(0, SCHED_IDLE, &none);
      const char* arguments[] = {"sleep", "50", nullptr};
      const char* environment[] = {"CURFEW=one", nullptr};
      execve("/bin/sleep", const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
      _exit(127);
    }
    ASSERT_GT(pid, 0);
    if (ReadWhole("/proc/" + std::to_string(pid) + "/environ") == "") ++met;
    const auto began = std::chrono::steady_clock::now();
    const auto variable = proc.FindInEnviron(pid, "CURFEW");
    // On a machine that is busy beyond measure it gets no processor in all that time.
    starved = !variable && std::chrono::steady_clock::now() - began > std::chrono::seconds(1);
    if (!starved) {
      EXPECT_THAT(variable, Optional("one"s));
      EXPECT_THAT(proc.ReadCommand(pid), ElementsAre("sleep", "50"));
    }
    kill(pid, SIGKILL);  // our own child, not collected yet
    waitpid(pid, nullptr, 0);
  }
  if (met == 0) GTEST_SKIP() << "no process was met there";
}

TEST(ProcTest, WhoHasNoMemoryIsNotExecuting) {
  const TempProc root;
  root.Write("1/environ", "");  // a kernel thread, and a zombie
  root.Write(
      "1/stat",
      "1 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 7 0 0 20 0 1 0 14 0 0 18446744073709551615 0 0 0 0 0 0 0 "
      "2147483647 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  root.Write("2/environ", "");
  root.Write(
      "2/stat",
      "2 (sleep) Z 1 1 1 0 -1 4194316 0 0 0 0 0 7 0 0 20 0 1 0 14 0 0 18446744073709551615 0 0 0 0 0 0 0 "
      "0 0 0 0 0 17 0 1 0 0 0 0 0 0 0 0 0 0 0 0\n");
  root.Write("3/environ", "");
  root.Write(
      "3/stat",
      "3 (sleep) R 1 1 1 0 -1 4194304 2 0 0 0 0 0 0 0 20 0 1 0 602 4096 0 18446744073709551615 0 0 0 0 0 0 0 "
      "0 0 0 0 0 17 0 0 5 0 0 0 0 0 0 140722892566496 0 0 0 0\n");
  const Proc proc(root.root());
  EXPECT_FALSE(proc.Executing(1));
  EXPECT_FALSE(proc.Executing(2));
  EXPECT_TRUE(proc.Executing(3));
}

TEST(ProcTest, LinksAreReadAsTheyStand) {
  const TempProc root;
  root.Link("1/cwd", "/tmp/gone (deleted)");
  EXPECT_THAT(Proc(root.root()).ReadLink(1, "cwd"), Optional("/tmp/gone (deleted)"s));
}

TEST(ProcTest, StatusGivesEffectiveUidAndTracer) {
  const TempProc root;
  root.Write("1/status", "Name:\tUid:\\n\nTracerPid:\t77\nUid:\t1000\t33\t1000\t33\n");
  root.Write("2/status", "Name:\tx\nUid:\t1000\n");
  const Proc proc(root.root());
  EXPECT_THAT(proc.Uid(1), Optional(33U));
  EXPECT_EQ(proc.TracerPid(1), 77);
  EXPECT_FALSE(proc.Uid(2));
  EXPECT_EQ(proc.TracerPid(2), 0);
}

TEST(ProcTest, LocksLimitIsTheSoftOne) {
  const TempProc root;
  const std::string head = "Limit                     Soft Limit           Hard Limit           Units     \n";
  root.Write("1/limits",
             head + "Max file locks            6476943233        6476943234         locks     \n");
  root.Write("2/limits",
             head + "Max file locks            unlimited            unlimited         locks     \n");
  root.Write("3/limits",
             head + "Max locked memory         8388608              8388608           bytes     \n");
  const Proc proc(root.root());
  EXPECT_THAT(proc.ReadLocksLimit(1), Optional(6476943233U));
  EXPECT_FALSE(proc.ReadLocksLimit(2));
  EXPECT_FALSE(proc.ReadLocksLimit(3));
}

TEST(ProcTest, WaitChannelOfARunningProcessIsEmpty) {
  const TempProc root;
  root.Write("1/wchan", "0");
  root.Write("2/wchan", "nfs_wait_bit_killable");
  EXPECT_EQ(Proc(root.root()).WaitChannel(1), "");
  EXPECT_EQ(Proc(root.root()).WaitChannel(2), "nfs_wait_bit_killable");
}

TEST(ProcTest, OnlySocketsAmongTheDescriptorsCount) {
  const TempProc root;
  root.Link("1/fd/0", "/dev/null");
  root.Link("1/fd/3", "socket:[12345]");
  root.Link("1/fd/4", "pipe:[99]");
  root.Link("1/fd/5", "socket:[12x]");
  root.Link("1/fd/6", "socket:[678]");
  root.Link("1/fd/7", "/tmp/socket:[5]");
  EXPECT_THAT(Proc(root.root()).SocketInodes(1), Optional(UnorderedElementsAre(12345U, 678U)));
}

TEST(ProcTest, DescribesAProcess) {
  const TempProc root;
  root.Write("stat", "cpu  1 2 3\nintr 5 6\nbtime 1700000000\nprocesses 9\n");
  root.Write("42/stat", StatText(42, "redis server"));
  root.Write("42/status", "Uid:\t0\t33\t0\t0\n");
  root.Write("42/cmdline", "redis-server\0--port\0");
  root.Link("42/cwd", "/var/lib/redis");
  const auto info = Proc(root.root()).Describe(42);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->pid, 42);
  EXPECT_EQ(info->parent, 5);
  EXPECT_EQ(info->group, 7);
  EXPECT_EQ(info->session, 9);
  EXPECT_EQ(info->uid, 33U);
  EXPECT_EQ(info->name, "redis server");
  EXPECT_EQ(info->cwd, "/var/lib/redis");
  EXPECT_EQ(info->start_ticks, 1234U);
  const auto since_boot = info->started - std::chrono::system_clock::from_time_t(1'700'000'000);
  EXPECT_EQ(since_boot, std::chrono::milliseconds(1234L * 1000 / ::sysconf(_SC_CLK_TCK)));
}

TEST(ProcTest, DescribesThisVeryProcess) {
  const Proc proc;
  const auto self = proc.Describe(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_EQ(self->group, ::getpgrp());
  EXPECT_EQ(self->uid, ::geteuid());
  EXPECT_EQ(self->cwd, std::filesystem::current_path());
  ASSERT_FALSE(self->command.empty());
  EXPECT_THAT(self->command.front(), ::testing::HasSubstr("procfs_test"));
  EXPECT_LE(self->started, std::chrono::system_clock::now() + std::chrono::seconds(1));
  EXPECT_THAT(proc.Pids(), ::testing::Contains(::getpid()));
}

}  // namespace
}  // namespace curfew::procfs
