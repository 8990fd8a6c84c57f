// SPDX-License-Identifier: Apache-2.0
// `curfew run` on a terminal, below a shell with job control: Ctrl-C, Ctrl-Z and fg as without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "processes.h"

namespace curfew::testing_support {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A shell on a terminal of its own. Killed and collected by the destructor.
class Terminal {
 public:
  explicit Terminal(const std::string& script, const std::string& token) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::grantpt(master_);
    ::unlockpt(master_);
    const std::string slave = ::ptsname(master_);
    const std::string variable = std::string(Truth::kVariable) + "=" + token;
    shell_ = ::fork();
    if (shell_ == 0) {
      ::setsid();
      const int fd = ::open(slave.c_str(), O_RDWR);
      ::ioctl(fd, TIOCSCTTY, 0);
      for (int i = 0; i < 3; ++i) ::dup2(fd, i);
      const char* const environment[] = {variable.c_str(), "PATH=/usr/bin:/bin", nullptr};
      ::execle("/bin/bash", "bash", "--norc", "-c", script.c_str(), nullptr, environment);
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (shell_ != 0) {
      ::kill(shell_, SIGKILL);
      ::waitpid(shell_, nullptr, 0);
    }
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Type(const std::string& keys) const {
    ASSERT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // Reads on until the text has come; whether it has, in a generous time.
  bool Await(const std::string& text) {
    return Eventually([&] {
      pollfd ready{master_, POLLIN, 0};
      char bytes[4096];
      while (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0) {
        const auto got = ::read(master_, bytes, sizeof bytes);
        if (got <= 0) break;
        seen_.append(bytes, static_cast<std::size_t>(got));
      }
      return seen_.find(text) != std::string::npos;
    });
  }
  // How the shell ended; nothing if it has not in a generous time.
  [[nodiscard]] std::optional<int> AwaitEnd() {
    int status = 0;
    if (!Eventually([&] { return ::waitpid(shell_, &status, WNOHANG) == shell_; })) return std::nullopt;
    shell_ = 0;
    return status;
  }
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  int master_ = -1;
  pid_t shell_ = 0;
  std::string seen_;
};

class CliTerminalTest : public testing::Test {
 protected:
  ~CliTerminalTest() override { truth_.EndAll(); }
  // A shell that runs this below curfew run, then does the rest.
  [[nodiscard]] std::string Script(const std::string& command, const std::string& then) const {
    return std::string("set -m; '") + CURFEW_PROGRAM + "' run -- /bin/bash -c '" + command + "'; " + then;
  }
  Truth truth_;
};

TEST_F(CliTerminalTest, TheCommandIsInTheForegroundAndMayRead) {
  Terminal terminal(Script("echo rea\"\"dy; read x; echo got $x; exit 5", "echo status $?"), truth_.token());
  ASSERT_TRUE(terminal.Await("ready")) << terminal.seen();
  terminal.Type("hello\n");
  ASSERT_TRUE(terminal.Await("status 5")) << terminal.seen();
  EXPECT_THAT(terminal.seen(), HasSubstr("got hello"));
}

TEST_F(CliTerminalTest, CtrlCReachesTheCommandOnce) {
  Terminal terminal(
      Script(
          "trap \"echo interru\"\"pted; n=\\${n}x\" INT; echo rea\"\"dy; while [ ${#n} -lt 1 ]; do sleep 0.05; done; "
          "sleep 0.3; echo count ${#n}; exit 7",
          "echo status $?"),
      truth_.token());
  ASSERT_TRUE(terminal.Await("ready")) << terminal.seen();
  terminal.Type("\x03");
  ASSERT_TRUE(terminal.Await("status 7")) << terminal.seen();
  EXPECT_THAT(terminal.seen(), AllOf(HasSubstr("count 1"), Not(HasSubstr("leaked"))));
}

TEST_F(CliTerminalTest, CtrlCThatEndsTheCommandIsSeenByTheShell) {
  // A shell without job control ends itself when SIGINT has ended its command: it has to see that it was that.
  Terminal terminal(
      std::string("'") + CURFEW_PROGRAM + "' run -- /bin/bash -c 'echo rea\"\"dy; exec sleep 100'; echo went on",
      truth_.token());
  ASSERT_TRUE(terminal.Await("ready")) << terminal.seen();
  terminal.Type("\x03");
  const auto status = terminal.AwaitEnd();
  ASSERT_TRUE(status) << terminal.seen();
  EXPECT_TRUE(WIFSIGNALED(*status) && WTERMSIG(*status) == SIGINT) << *status << terminal.seen();
}

TEST_F(CliTerminalTest, CtrlZStopsTheJobAndFgContinuesIt) {
  Terminal terminal(
      Script("echo rea\"\"dy; read x; echo got $x; exit 5", "echo stopped $?; fg >/dev/null; echo status $?"),
      truth_.token());
  ASSERT_TRUE(terminal.Await("ready")) << terminal.seen();
  terminal.Type("\x1a");
  ASSERT_TRUE(terminal.Await("stopped 148")) << terminal.seen();
  terminal.Type("hello\n");
  ASSERT_TRUE(terminal.Await("status 5")) << terminal.seen();
  EXPECT_THAT(terminal.seen(), HasSubstr("got hello"));
}

TEST_F(CliTerminalTest, ACommandThatStopsItselfStopsTheJob) {
  Terminal terminal(Script("kill -STOP $$; exit 6", "echo stopped $?; fg >/dev/null; echo status $?"), truth_.token());
  ASSERT_TRUE(terminal.Await("stopped 147")) << terminal.seen();
  ASSERT_TRUE(terminal.Await("status 6")) << terminal.seen();
}

TEST_F(CliTerminalTest, LongStopSaysWhatItWaitsFor) {
  // The stray is deaf to SIGTERM: the grace is waited for, and longer than a user's patience.
  const std::string command =
      std::string("'") + CURFEW_PROGRAM +
      "' run --grace=4s -- /bin/bash -c 'trap \"\" TERM; setsid sleep 100 & exit 0'; echo status $?";
  Terminal terminal("set -m; " + command, truth_.token());
  ASSERT_TRUE(terminal.Await("waiting for")) << terminal.seen();
  ASSERT_TRUE(terminal.Await("status 86")) << terminal.seen();
}

}  // namespace
}  // namespace curfew::testing_support
