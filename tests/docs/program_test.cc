// SPDX-License-Identifier: Apache-2.0
// A main() of one's own, and one server for the whole program: what docs/guide/cookbook.md shows.
#include <curfew/curfew.h>

#include <optional>

#include "samples_in_path.h"

namespace {

// [per-program]
class EchoForAll : public testing::Environment {
 public:
  void SetUp() override {
    if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) return;
    server_ = curfew::Server::Start({.command = {"tcp_echo", "--port", "{port}"}});
  }
  void TearDown() override { server_.reset(); }
  curfew::Server& server() { return server_.value(); }

 private:
  std::optional<curfew::Server> server_;
};

EchoForAll* const echo = new EchoForAll;  // GoogleTest owns it

TEST(Echo, Echoes) {
  curfew::TcpClient client(echo->server().host(), echo->server().port());
  EXPECT_EQ(client.Exchange("hello"), "hello");
}
// [/per-program]

}  // namespace

// [own-main]
int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  curfew::Init(&argc, argv);
  testing::AddGlobalTestEnvironment(echo);
  return RUN_ALL_TESTS();
}
// [/own-main]
