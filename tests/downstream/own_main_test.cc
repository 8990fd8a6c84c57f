// SPDX-License-Identifier: Apache-2.0
// A suite with a main() of its own.
#include <curfew/curfew.h>
#include <curfew/servers.h>

#include <cstdio>

namespace {

bool main_was_ours = false;

class Kv : public curfew::TcpServerFixture {
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};

TEST_F(Kv, Pings) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

TEST(OwnMain, IsTheOneThatRuns) { EXPECT_TRUE(main_was_ours); }

}  // namespace

int main(int argc, char** argv) {
  main_was_ours = true;
  testing::InitGoogleTest(&argc, argv);
  curfew::Init(&argc, argv);
  if (argc != 1) {
    std::fprintf(stderr, "not understood: %s\n", argv[1]);
    return 2;
  }
  return RUN_ALL_TESTS();
}
