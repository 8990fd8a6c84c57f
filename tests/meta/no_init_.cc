// SPDX-License-Identifier: Apache-2.0
// Meant to fail: a leak in a program with GoogleTest's own main().
#include <curfew/fixture.h>

#include "samples.h"
#include "strays.h"

namespace {

class NoInitTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::Sample("tcp_echo"); }
};
TEST_F(NoInitTest, HasAServer) {
  EXPECT_TRUE(server().running());
}
TEST(PlainTest, LeavesAChild) {
  LeaveChild();
}

}  // namespace
