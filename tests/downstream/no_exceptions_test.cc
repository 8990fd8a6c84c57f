// SPDX-License-Identifier: Apache-2.0
// A suite that is compiled with -fno-exceptions and -fvisibility=hidden.
#include <curfew/curfew.h>
#include <curfew/servers.h>
#include <curfew/try_start.h>

#include <string>

#ifdef __cpp_exceptions
#error "this file is about code without exceptions"
#endif

namespace {

TEST(NoExceptions, AServerThatStartsIsAValue) {
  auto server = curfew::TryStart(curfew::servers::Redis());
  ASSERT_TRUE(server) << server.error().what();
  EXPECT_EQ(curfew::TcpClient(server->host(), server->port()).Exchange("PING"), "+PONG");
}

TEST(NoExceptions, AServerThatDoesNotStartIsAnError) {
  auto server = curfew::TryStart({.command = {"/nowhere/server", "{port}"}});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().reason(), curfew::StartError::kCouldNotLaunch);
  EXPECT_NE(std::string(server.error().what()).find("/nowhere/server"), std::string::npos);
}

TEST(NoExceptionsDeathTest, TheValueOfAnErrorEndsTheProgramWithTheReason) {
  EXPECT_DEATH(static_cast<void>(curfew::TryStart({.command = {}}).value()), "failed to start");
}

class Kv : public curfew::TcpServerFixture {
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};
TEST_F(Kv, FixturesWork) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

class TooNew : public curfew::TcpServerFixture {
  curfew::ServerSpec Spec() override { return curfew::servers::Redis({.minimum_version = "9999"}); }
};
TEST_F(TooNew, IsSkippedAcrossThisCode) { FAIL() << "the body was run"; }

}  // namespace
