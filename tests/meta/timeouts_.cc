// SPDX-License-Identifier: Apache-2.0
// Meant to fail: tests that would wait far longer than their deadline.
#include <curfew/curfew.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "samples.h"

namespace {

using namespace std::chrono_literals;
using namespace curfew;

class HangTest : public ServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("tcp_echo"); }
};

// The echo server waits for a line, and so does the test: only the end of the server ends this.
TEST_F(HangTest, OnAServer) {
  TcpClient client(server().host(), server().port(), 10min);
  (void)client.ReceiveLine();
}

TEST_F(HangTest, NextTestIsServed) {
  TcpClient client(server().host(), server().port());
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

// No server to end, and nothing the test program could be told: it has to be ended itself.
TEST_F(HangTest, OnItself) {
  for (;;) pause();
}

}  // namespace
