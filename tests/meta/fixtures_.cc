// SPDX-License-Identifier: Apache-2.0
// Meant to pass, whole, repeated and shuffled: every fixture, and what users do with them.
#include <curfew/curfew.h>
#include <gmock/gmock.h>

#include <cstdio>
#include <string>

#include "samples.h"

namespace {

using namespace curfew;

class OwnServerTest : public ServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("tcp_echo"); }
};
TEST_F(OwnServerTest, IsReady) {
  EXPECT_THAT(server(), IsReady());
}
TEST_F(OwnServerTest, MayBeStoppedByTheTest) {
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}
TEST_F(OwnServerTest, MayBeCrashedByTheTest) {
  server().Crash();
}

class ForgetfulTest : public OwnServerTest {
 protected:
  void SetUp() override {}
  void TearDown() override {}
};
TEST_F(ForgetfulTest, StartsAtFirstUse) {
  EXPECT_THAT(server(), IsReady());
}
TEST_F(ForgetfulTest, NeedsNone) {}

class EchoTest : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("tcp_echo"); }
};
TEST_F(EchoTest, HasAConnectedClient) {
  EXPECT_EQ(client().Exchange("hello"), "hello");
}
TEST_F(EchoTest, TakesMoreClients) {
  TcpClient second = Connect();
  EXPECT_EQ(second.Exchange("two"), "two");
  EXPECT_EQ(client().Exchange("one"), "one");
}

class HelloTest : public HttpServerFixture {
 protected:
  ServerSpec Spec() override {
    ServerSpec spec = Sample("http_hello");
    spec.ready = Ready::Http("/health");
    return spec;
  }
};
TEST_F(HelloTest, Greets) {
  const HttpResponse response = client().Get("/");
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_EQ(response.body, "hello\n");
  EXPECT_EQ(response.header("content-type"), "text/plain");
}
TEST_F(HelloTest, AnswersWithAnyStatus) {
  EXPECT_EQ(client().Get("/status/503").status, 503);
}

// Two shared fixtures, one of which hides what its base would do.
class SharedTest : public SharedServerFixture<SharedTest> {
 protected:
  static ServerSpec Spec() {
    std::puts("START SharedTest");
    return Sample("tcp_echo");
  }
};
TEST_F(SharedTest, First) {
  EXPECT_THAT(server(), IsReady());
}
TEST_F(SharedTest, Second) {
  EXPECT_THAT(server(), IsReady());
}
TEST_F(SharedTest, Third) {
  EXPECT_THAT(server(), IsReady());
}

class HidingTest : public SharedServerFixture<HidingTest> {
 public:
  static ServerSpec Spec() {
    std::puts("START HidingTest");
    return Sample("tcp_echo");
  }
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() {}
};
TEST_F(HidingTest, First) {
  EXPECT_THAT(server(), IsReady());
}
TEST_F(HidingTest, Second) {
  EXPECT_THAT(server(), IsReady());
}

// A test that stops the shared server costs the next one a start, and nothing else.
class RefreshTest : public SharedServerFixture<RefreshTest> {
 protected:
  static ServerSpec Spec() {
    std::puts("START RefreshTest");
    return Sample("tcp_echo");
  }
  void SetUp() override {}
};
TEST_F(RefreshTest, StopsA) {
  server().Stop();
}
TEST_F(RefreshTest, StopsB) {
  server().Stop();
}

// The children of both kinds of death test leave the parent's server alone, and start none.
class DyingDeathTest : public ServerFixture {
 protected:
  ServerSpec Spec() override {
    std::puts("START DyingDeathTest");
    return Sample("tcp_echo");
  }
};
TEST_F(DyingDeathTest, Fast) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_EXIT(std::exit(3), testing::ExitedWithCode(3), "");
  EXPECT_EXIT(_exit(4), testing::ExitedWithCode(4), "");
  EXPECT_DEATH(std::abort(), "");
  EXPECT_THAT(server(), IsReady());
}
TEST_F(DyingDeathTest, Threadsafe) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(3), testing::ExitedWithCode(3), "");
  EXPECT_DEATH(std::abort(), "");
  EXPECT_THAT(server(), IsReady());
}
TEST_F(DyingDeathTest, ThreadsafeChildIsToldThatThereIsNoServer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        try {
          (void)server();
        } catch (const std::logic_error&) {
          _exit(5);
        }
      },
      testing::ExitedWithCode(5), "threadsafe death test");
}
TEST_F(DyingDeathTest, FastChildIsRefusedTheParentsServer) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_EXIT(
      {
        try {
          server().Stop();
        } catch (const std::logic_error&) {
          _exit(6);
        }
      },
      testing::ExitedWithCode(6), "");
  EXPECT_THAT(server(), IsReady());
}

}  // namespace
