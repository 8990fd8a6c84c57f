// SPDX-License-Identifier: Apache-2.0
// The right-hand sides of docs/guide/migration.md, and its left-hand sides as far as they can be run without the
// faults that they are shown for.
#include <curfew/curfew.h>
#include <curfew/servers.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "samples_in_path.h"

namespace {

using curfew::Server;
using curfew::ServerSpec;

// [fork-after]
class EchoTest : public curfew::TcpServerFixture {
  ServerSpec Spec() override { return {.command = {"tcp_echo", "--port", "{port}"}}; }
};

TEST_F(EchoTest, Echoes) { EXPECT_EQ(client().Exchange("hello"), "hello"); }
// [/fork-after]

// [boost-after]
TEST(Cluster, HasThreeNodes) {
  std::vector<Server> nodes;
  for (int i = 0; i < 3; ++i) {
    nodes.push_back(Server::Start({.name = "node" + std::to_string(i), .command = {"tcp_echo", "--port", "{port}"}}));
  }
  nodes[1].Crash();
  EXPECT_FALSE(nodes[1].running());
  EXPECT_TRUE(nodes[0].running() && nodes[2].running());
}
// [/boost-after]

// [system-after]
class Memcached : public curfew::TcpServerFixture {
  ServerSpec Spec() override {
    return {.shell = "exec memcached -l {host} -p {port} -U 0 -u root -m 64"};  // exec: the shell becomes the server
  }
};

TEST_F(Memcached, TellsItsVersion) { EXPECT_THAT(client().Exchange("version\r"), testing::StartsWith("VERSION")); }
// [/system-after]

// [docker-after]
class Db : public curfew::SharedServerFixture<Db> {
 public:
  static ServerSpec Spec() { return curfew::servers::Postgres(); }
};

TEST_F(Db, Answers) {
  const std::string query = "psql -h " + server().host() + " -p " + std::to_string(server().port()) +
                            " -U postgres -Atc 'select 1' >/dev/null";
  EXPECT_EQ(std::system(query.c_str()), 0);
}
// [/docker-after]

}  // namespace
