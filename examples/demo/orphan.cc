// SPDX-License-Identifier: Apache-2.0
// Meant to fail: a server that leaves a daemon behind (double fork, setsid, closed descriptors). The daemon is
// caught, named, and blamed on its test; the test after it starts clean.
#include <gtest/gtest.h>

#include <curfew/curfew.h>

namespace {

class Daemonising : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    return {.command = {CURFEW_SAMPLE_DIR "/double_fork_daemon", "--port", "{port}"}};
  }
};

TEST_F(Daemonising, LooksInnocent) { EXPECT_THAT(server(), curfew::IsReady()); }

class WellBehaved : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return {.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}}; }
};

TEST_F(WellBehaved, StartsClean) { EXPECT_THAT(server(), curfew::IsReady()); }

}  // namespace
