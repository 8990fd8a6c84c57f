// SPDX-License-Identifier: Apache-2.0
// Meant to fail: a test that waits for an answer which never comes. At the test's deadline the keeper notes what
// everybody was doing and stops the server; that ends the wait, and the test fails with the reason.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curfew/curfew.h>

namespace {

class Echo : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return {.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}}; }
};

TEST_F(Echo, WaitsForAnAnswerThatNeverComes) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  char byte = 0;
  // No time-out of its own, as in so many tests; nothing was asked, so nothing is answered.
  EXPECT_EQ(::recv(connection, &byte, 1, 0), 0) << "the server's end closes the connection";
  ::close(connection);
}

TEST_F(Echo, RunsNext) { EXPECT_THAT(server(), curfew::IsReady()); }

}  // namespace
