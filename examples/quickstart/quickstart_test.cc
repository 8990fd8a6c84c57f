#include <curfew/curfew.h>
#include <curfew/servers.h>

// A redis of its own for each test: nobody chose a port, nobody sleeps, and nothing outlives the test.
class Kv : public curfew::TcpServerFixture {
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};

TEST_F(Kv, Remembers) {
  EXPECT_EQ(client().Exchange("SET colour green"), "+OK");
  EXPECT_EQ(client().Exchange("STRLEN colour"), ":5");
}

TEST_F(Kv, ComesBackAfterACrash) {
  server().Crash();    // SIGKILL to the whole tree, as a power cut
  server().Restart();  // same port, same directory
  client() = Connect();
  EXPECT_EQ(client().Exchange("PING"), "+PONG");
}
