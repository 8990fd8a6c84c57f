// SPDX-License-Identifier: Apache-2.0
// The test program's own children are its own: their statuses, their SIGCHLD, and what wait(2) finds, while servers
// start and stop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <curfew/curfew.h>

namespace curfew {
namespace {

ServerSpec Sample(const std::string& name) {
  return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"}};
}

// A child that ends with this code when its pipe is closed.
class OwnChild {
 public:
  explicit OwnChild(int code) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[1]);
      char byte = 0;
      ::_exit(::read(ends[0], &byte, 1) == 0 ? code : 1);
    }
    ::close(ends[0]);
    end_ = ends[1];
  }
  ~OwnChild() { End(); }
  OwnChild(const OwnChild&) = delete;
  OwnChild& operator=(const OwnChild&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void End() {
    if (end_ >= 0) ::close(std::exchange(end_, -1));
  }

 private:
  pid_t pid_ = 0;
  int end_ = -1;
};

// Servers of all kinds come and go; `between` is called after each step.
void StartAndStopServers(const std::function<void()>& between) {
  for (const auto* sample : {"tcp_echo", "double_fork_daemon", "many_groups", "forks_workers"}) {
    auto spec = Sample(sample);
    spec.daemonizes = true;  // their orphans are not the subject here
    auto one = Server::Start(spec);
    between();
    auto other = Server::Start(Sample("tcp_echo"));
    between();
    one.Restart();
    between();
    other.Crash();
    between();
    one.Stop();
    between();
  }
}

class OwnChildrenTest : public testing::Test {
 protected:
  // The keeper is there before the children are: its launch is one child more, which it collects by its number.
  OwnChildrenTest() { static_cast<void>(Server::Start(Sample("tcp_echo"))); }
};

TEST_F(OwnChildrenTest, StatusOfAChildThatEndedLongAgoIsIntact) {
  OwnChild child(42);
  child.End();
  StartAndStopServers([] {});
  int status = 0;
  ASSERT_EQ(::waitpid(-1, &status, __WALL), child.pid());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42) << status;
  EXPECT_EQ(::waitpid(-1, &status, __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(OwnChildrenTest, WaitForAnyChildMeetsNobodyElse) {
  OwnChild child(7);
  StartAndStopServers([] { ASSERT_EQ(::waitpid(-1, nullptr, WNOHANG | WUNTRACED | WCONTINUED | __WALL), 0); });
  child.End();
  int status = 0;
  ASSERT_EQ(::waitpid(-1, &status, 0), child.pid());
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

std::atomic<int> heard_of_strangers = 0;
std::atomic<int> heard_of_own = 0;
std::array<std::atomic<pid_t>, 8> own_pids{};

void OnChild(int /*signal*/, siginfo_t* info, void* /*context*/) {
  for (const auto& pid : own_pids) {
    if (pid == info->si_pid) {
      ++heard_of_own;
      return;
    }
  }
  ++heard_of_strangers;
}

TEST_F(OwnChildrenTest, HandlerOfSigchldHearsOfOwnChildrenOnly) {
  struct sigaction ours {};
  struct sigaction before {};
  ours.sa_sigaction = OnChild;
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP;
  ::sigaction(SIGCHLD, &ours, &before);
  std::size_t next = 0;
  StartAndStopServers([&] {
    if (next == own_pids.size()) return;
    OwnChild child(static_cast<int>(next));
    own_pids[next] = child.pid();
    child.End();
    int status = 0;
    ASSERT_EQ(::waitpid(child.pid(), &status, 0), child.pid());
    EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(next++));
  });
  struct sigaction after {};
  ::sigaction(SIGCHLD, &before, &after);
  EXPECT_EQ(after.sa_sigaction, &OnChild) << "somebody has replaced the handler";
  EXPECT_EQ(heard_of_own, static_cast<int>(next));
  EXPECT_EQ(heard_of_strangers, 0);
}

TEST_F(OwnChildrenTest, SigchldIgnoredIsNoObstacle) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  StartAndStopServers([] {});
  OwnChild child(3);
  child.End();
  // As for everybody who ignores it: the wait is for the end alone.
  EXPECT_EQ(::waitpid(child.pid(), nullptr, 0), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(::signal(SIGCHLD, before), SIG_IGN);
}

TEST_F(OwnChildrenTest, ThreadThatWaitsForAnyChildGetsEveryStatusAndNoOther) {
  constexpr int kChildren = 20;
  std::map<pid_t, int> expected;
  std::map<pid_t, int> got;
  OwnChild last(99);
  std::thread waiter([&got] {
    int status = 0;
    // Until no child is left, which is not before the last one has been let go.
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, __WALL)) > 0;) got[pid] = WEXITSTATUS(status);
  });
  StartAndStopServers([&expected] {
    if (expected.size() == kChildren) return;
    const int code = static_cast<int>(expected.size());
    const OwnChild child(code);
    expected[child.pid()] = code;
  });
  expected[last.pid()] = 99;
  last.End();
  waiter.join();
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace curfew
