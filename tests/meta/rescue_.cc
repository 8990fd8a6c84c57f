// SPDX-License-Identifier: Apache-2.0
// Meant to end in the middle: the variable META_END says how. GoogleTest cannot write its results then.
#include <curfew/curfew.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "samples.h"

namespace {

TEST(RescueTest, PassesBeforeThereIsAServer) {}
TEST(RescueTest, FailsBeforeThereIsAServer) {
  ADD_FAILURE() << "one \"is\" not <two> ]]> \x1b[31m\xff";
}
TEST(RescueTest, IsSkipped) {
  GTEST_SKIP() << "the reason";
}

class ServedRescueTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::Sample("tcp_echo"); }
};
TEST_F(ServedRescueTest, PassesWithAServer) {
  EXPECT_TRUE(server().running());
}
TEST_F(ServedRescueTest, FailsWithAServer) {
  EXPECT_FALSE(server().running());
}
TEST_F(ServedRescueTest, Ends) {
  const char* const how = std::getenv("META_END");
  const std::string end = how == nullptr ? "" : how;
  if (end == "exit") std::exit(0);
  if (end == "_exit") ::_exit(0);
  if (end == "abort") std::abort();
  if (end == "kill") ::raise(SIGKILL);
  if (end == "segv") ::raise(SIGSEGV);
}
TEST_F(ServedRescueTest, IsNotReached) {}
TEST(RescueTest, DISABLED_IsDisabled) {}

// After GoogleTest has written its results, and before it says that the program has ended.
class DiesAfterResults : public testing::EmptyTestEventListener {
  void OnTestIterationEnd(const testing::UnitTest& /*program*/, int /*iteration*/) override {
    const char* const how = std::getenv("META_END");
    if (how != nullptr && std::string(how) == "after") ::_exit(3);
  }
};
// Ends are told in reverse order, and the listener that writes the file is appended by InitGoogleTest, later than this.
[[maybe_unused]] const bool kInstalled = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new DiesAfterResults);
  return true;
}();

}  // namespace
