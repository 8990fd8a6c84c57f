// SPDX-License-Identifier: Apache-2.0
// Meant to fail: servers that do not come up. No body and nothing after the base SetUp may run; what must not
// be reached prints REACHED.
#include <curfew/curfew.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "samples.h"

namespace {

using namespace std::chrono_literals;
using namespace curfew;

void Reached() {
  std::puts("REACHED");
}

class DiesEarlyTest : public ServerFixture {
 protected:
  ServerSpec Spec() override { return Sample("dies_early", {"--code", "7"}); }
};
TEST_F(DiesEarlyTest, Body) {
  Reached();
}

class DerivedSetUpTest : public DiesEarlyTest {
 protected:
  void SetUp() override {
    DiesEarlyTest::SetUp();
    Reached();
  }
};
TEST_F(DerivedSetUpTest, Body) {
  Reached();
}

class ForgottenSetUpTest : public DiesEarlyTest {
 protected:
  void SetUp() override {}
};
TEST_F(ForgottenSetUpTest, Body) {
  (void)server();
  Reached();
}
TEST_F(ForgottenSetUpTest, SecondCallThrowsAgain) {
  EXPECT_THROW((void)server(), StartError);
  EXPECT_THROW((void)server(), StartError);
}

class MissingTest : public ServerFixture {
 protected:
  ServerSpec Spec() override { return {.command = {"no-such-server-anywhere"}}; }
};
TEST_F(MissingTest, Body) {
  Reached();
}

class NeverReadyTest : public ServerFixture {
 protected:
  ServerSpec Spec() override {
    ServerSpec spec = Sample("never_listens");
    spec.ready_timeout = 300ms;
    return spec;
  }
};
TEST_F(NeverReadyTest, Body) {
  Reached();
}

// Counts its starts: only the first test may wait.
class SharedTest : public SharedServerFixture<SharedTest> {
 protected:
  static ServerSpec Spec() {
    std::puts("START");
    return Sample("dies_early", {"--code", "8"});
  }
};
TEST_F(SharedTest, First) {
  Reached();
}
TEST_F(SharedTest, Second) {
  Reached();
}
TEST_F(SharedTest, Third) {
  Reached();
}

class SharedDerivedTest : public SharedServerFixture<SharedDerivedTest> {
 public:
  static ServerSpec Spec() { return Sample("dies_early", {"--code", "9"}); }
  static void SetUpTestSuite() {
    SharedServerFixture::SetUpTestSuite();
    (void)server();
    Reached();
  }
};
TEST_F(SharedDerivedTest, First) {
  Reached();
}
TEST_F(SharedDerivedTest, Second) {
  Reached();
}

// Nobody shows the failure but the end of the suite.
class SharedUnnoticedTest : public SharedServerFixture<SharedUnnoticedTest> {
 public:
  static ServerSpec Spec() { return Sample("dies_early", {"--code", "10"}); }

 protected:
  void SetUp() override {}
};
TEST_F(SharedUnnoticedTest, NeedsNoServer) {}

class SharedForgottenTest : public SharedServerFixture<SharedForgottenTest> {
 public:
  static ServerSpec Spec() { return Sample("dies_early", {"--code", "11"}); }

 protected:
  void SetUp() override {}
};
TEST_F(SharedForgottenTest, Body) {
  (void)server();
  Reached();
}

class NoConnectionTest : public TcpServerFixture {
 protected:
  ServerSpec Spec() override {
    ServerSpec spec = Sample("never_listens");
    spec.ready = Ready::Log("waiting for a lock");
    return spec;
  }
};
TEST_F(NoConnectionTest, Body) {
  Reached();
}

}  // namespace
