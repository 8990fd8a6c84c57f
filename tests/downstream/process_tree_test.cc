// SPDX-License-Identifier: Apache-2.0
// Several test programs in one process tree: beside a server of this one's, and below one. OTHER_PROGRAM is kv_test.
#include <curfew/curfew.h>
#include <curfew/servers.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

class Kv : public curfew::TcpServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};

pid_t BeginOther() {
  std::string filter = "--gtest_filter=*Pings";
  std::string program = OTHER_PROGRAM;
  std::array<char*, 3> argv{program.data(), filter.data(), nullptr};
  pid_t pid = -1;
  return ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ) == 0 ? pid : -1;
}

TEST_F(Kv, LivesOnWhileOtherProgramsComeAndGo) {
  ASSERT_EQ(client().Exchange("SET colour green"), "+OK");
  const std::vector<pid_t> others{BeginOther(), BeginOther()};
  for (const pid_t pid : others) {
    ASSERT_GT(pid, 0);
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  EXPECT_THAT(server(), curfew::IsReady());
  EXPECT_EQ(client().Exchange("STRLEN colour"), ":5");
}

TEST_F(Kv, LivesOnWhileAnotherProgramIsEndedInTheMiddle) {
  const pid_t other = BeginOther();
  ASSERT_GT(other, 0);
  ASSERT_EQ(::kill(other, SIGKILL), 0);  // our child, not yet waited for
  ASSERT_EQ(::waitpid(other, nullptr, 0), other);
  EXPECT_EQ(client().Exchange("PING"), "+PONG");
}

TEST(ATestProgram, CanBeTheServerOfAnother) {
  auto other = curfew::Server::Start(
      {.command = {OTHER_PROGRAM, "--gtest_filter=*Pings"}, .ready = curfew::Ready::All({})});
  EXPECT_EQ(other.WaitExit(60s), curfew::ExitStatus::Exited(0)) << other.log().Text();
}

}  // namespace
