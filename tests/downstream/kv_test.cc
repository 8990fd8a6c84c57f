// SPDX-License-Identifier: Apache-2.0
// A suite of somebody else: all it knows of Curfew is what is installed.
#include <curfew/curfew.h>
#include <curfew/servers.h>
#include <unistd.h>

namespace {

class Kv : public curfew::TcpServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};

TEST_F(Kv, Pings) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

TEST_F(Kv, ComesBackAfterACrash) {
  server().Crash();
  server().Restart();
  EXPECT_THAT(server(), curfew::IsReady());
}

class SharedKv : public curfew::SharedServerFixture<SharedKv> {
 public:
  static curfew::ServerSpec Spec() { return curfew::servers::Redis(); }
};

TEST_F(SharedKv, Pings) {
  EXPECT_EQ(curfew::TcpClient(server().host(), server().port()).Exchange("PING"), "+PONG");
}

TEST(KvTest, AnErrorOfTheLibraryIsCaughtOutsideIt) {
  // Across the border of a shared library, and with -fvisibility=hidden, the types have to be the same.
  EXPECT_THROW(static_cast<void>(curfew::Server::Start({.command = {"/nowhere/server", "{port}"}})),
               curfew::StartError);
}

// For scripts/check-runners.sh, which ends it as a runner does whose patience is over.
TEST_F(Kv, DISABLED_HangsUntilItIsEnded) {
  for (;;) ::pause();
}

}  // namespace
