// SPDX-License-Identifier: Apache-2.0
// Meant to fail: servers that end in mid-test. Also the matchers, on servers, with their messages.
#include <curfew/curfew.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "samples.h"

namespace {

using namespace std::chrono_literals;
using namespace curfew;
using testing::Not;

class CrashTest : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("crashes_later", {"--code", "3"}); }

  // Returns when the leader is dead; the news of it may still be on its way.
  void Crash() {
    const auto leader = static_cast<int>(syscall(SYS_pidfd_open, server().pid(), 0));
    client().Send("die\n");
    pollfd entry{.fd = leader, .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&entry, 1, 10'000), 1);
    close(leader);
  }
};

TEST_F(CrashTest, Unannounced) {
  Crash();
  while (server().running()) std::this_thread::yield();
  std::puts("the body went on");
}

TEST_F(CrashTest, UnannouncedAndTheTestEndsBeforeTheNewsIsHere) {
  Crash();
}

TEST_F(CrashTest, Announced) {
  server().ExpectExit();
  Crash();
  EXPECT_THAT(server().WaitExit(10s), HasExited(3));
  EXPECT_THAT(server(), HasExited(3));
  EXPECT_THAT(server(), Not(IsReady()));
  EXPECT_THAT(server(), HasLogLine("assertion failed"));
}

TEST_F(CrashTest, BySignalOfTheTest) {
  server().Signal(SIGKILL);
  EXPECT_THAT(server().WaitExit(10s), WasKilledBy(SIGKILL));
}

TEST_F(CrashTest, RestartsOnTheSamePort) {
  const auto port = server().port();
  server().Crash();
  server().Restart();
  EXPECT_EQ(server().port(), port);
  client() = Connect();
  EXPECT_EQ(client().Exchange("hello"), "hello");
}

class SharedCrashTest : public SharedServerFixture<SharedCrashTest> {
 protected:
  static ServerSpec Spec() { return Sample("crashes_later", {"--signal", "11"}); }
};

TEST_F(SharedCrashTest, FirstIsBlamed) {
  TcpClient client(server().host(), server().port());
  client.Send("die\n");
  (void)client.ReceiveUntilClosed();
}
TEST_F(SharedCrashTest, SecondGetsAFreshServer) {
  EXPECT_THAT(server(), IsReady());
}

class MatcherTest : public ServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("forks_workers", {"--workers", "2"}); }
};

TEST_F(MatcherTest, Hold) {
  EXPECT_THAT(server(), IsReady());
  EXPECT_THAT(server(), IsListeningOn(server().port()));
  EXPECT_THAT(server(), Not(IsListeningOn(1)));
  EXPECT_THAT(server(), Not(HasNoDescendants()));
  EXPECT_THAT(server(), Not(HasExited(testing::_)));
  EXPECT_THAT(server(), HasLogLine("listening on"));
  EXPECT_THAT(server().Stop(), StoppedGracefully());
  EXPECT_THAT(server(), HasNoDescendants());
}

TEST_F(MatcherTest, Explain) {
  EXPECT_THAT(server(), Not(IsReady()));
  EXPECT_THAT(server(), IsListeningOn(1));
  EXPECT_THAT(server(), HasNoDescendants());
  EXPECT_THAT(server(), HasExited(0));
  EXPECT_THAT(server(), HasLogLine("no such line"));
}

TEST_F(MatcherTest, ExplainTheDead) {
  server().Crash();
  EXPECT_THAT(server(), IsReady());
  EXPECT_THAT(server(), HasExited(0));
}

class StubbornTest : public ServerFixture {
 protected:
  ServerSpec Spec() override {
    ServerSpec spec = Sample("ignores_sigterm");
    spec.stop = {{{.signal = SIGTERM, .grace = 100ms}}};
    return spec;
  }
};
TEST_F(StubbornTest, IsKilled) {
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}

}  // namespace
