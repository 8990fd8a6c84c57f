// SPDX-License-Identifier: Apache-2.0
// Meant to fail: tests that would wait far longer than their deadline.
#include <curfew/curfew.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
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

TEST_F(HangTest, HasItsOwnTimeout) {
  SetTestTimeout(500ms);
  TcpClient client(server().host(), server().port(), 10min);
  (void)client.ReceiveLine();
}

// Without servers, so that a loaded machine cannot use up their time before they have set their own.
TEST(HeldTest, NeedsLongerThanOthers) {
  SetTestTimeout(10min);
  poll(nullptr, 0, 4000);
}

TEST(HeldTest, HangsWithoutAServer) {
  for (;;) pause();
}

// Held by nobody's debugger, but stopped, as by Ctrl-Z, for longer than it may run.
TEST(HeldTest, IsStopped) {
  SetTestTimeout(3s);
  const pid_t self = getpid();
  const pid_t other = fork();
  if (other == 0) {
    poll(nullptr, 0, 5000);
    kill(self, SIGCONT);
    _exit(0);
  }
  raise(SIGSTOP);
  EXPECT_EQ(waitpid(other, nullptr, 0), other);
}

// Somebody looks at the server for longer than the test may run.
TEST_F(HangTest, DebuggerIsOnItsServer) {
  SetTestTimeout(9s);  // from the test's begin: on a loaded machine its server alone may take seconds
  const pid_t leader = server().pid();
  const pid_t debugger = fork();
  if (debugger == 0) {
    const bool attached = ptrace(PTRACE_SEIZE, leader, nullptr, nullptr) == 0;
    poll(nullptr, 0, 12'000);
    _exit(attached ? 0 : 1);
  }
  int status = 1;
  EXPECT_EQ(waitpid(debugger, &status, 0), debugger);
  EXPECT_EQ(status, 0) << "could not attach";
}

// No server to end, and nothing the test program could be told: it has to be ended itself.
TEST_F(HangTest, OnItself) {
  for (;;) pause();
}

}  // namespace
