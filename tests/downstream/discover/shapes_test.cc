// SPDX-License-Identifier: Apache-2.0
// Suites of every shape that GoogleTest lists. Whoever starts a server leaves a note.
#include <curfew/curfew.h>

#include <cstdlib>
#include <fstream>

namespace {

curfew::ServerSpec Noting() {
  std::ofstream(STARTED) << "a server was started\n";
  return {.shell = "exec sleep 60", .ready = curfew::Ready::All({})};
}

TEST(Plain, Passes) {}
TEST(Plain, DISABLED_NotYet) { FAIL(); }

class Own : public curfew::ServerFixture {
  curfew::ServerSpec Spec() override { return Noting(); }
};
TEST_F(Own, One) { EXPECT_TRUE(server().running()); }

class Shared : public curfew::SharedServerFixture<Shared> {
 public:
  static curfew::ServerSpec Spec() { return Noting(); }
};
TEST_F(Shared, One) { EXPECT_TRUE(server().running()); }
TEST_F(Shared, Two) { EXPECT_TRUE(server().running()); }
TEST_F(Shared, DISABLED_Three) { FAIL(); }

class SharedParam : public curfew::SharedServerFixture<SharedParam>, public testing::WithParamInterface<const char*> {
 public:
  static curfew::ServerSpec Spec() { return Noting(); }
};
TEST_P(SharedParam, Runs) { EXPECT_TRUE(server().running()) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Odd, SharedParam, testing::Values("a;b", "[c", "d]\n  e"));

template <class T>
class SharedTyped : public curfew::SharedServerFixture<SharedTyped<T>> {
 public:
  static curfew::ServerSpec Spec() { return Noting(); }
};
using Types = testing::Types<int, long>;
TYPED_TEST_SUITE(SharedTyped, Types);
TYPED_TEST(SharedTyped, Runs) { EXPECT_TRUE(this->server().running()); }

TEST(Absent, IsSkipped) { GTEST_SKIP() << "there is none"; }

class Stray : public testing::Test {};
TEST_F(Stray, IsLeftBehind) {
  // Ends by itself before long.
  if (std::getenv("LEAVE_A_STRAY") != nullptr)
    ASSERT_EQ(std::system("setsid sleep 40 >/dev/null 2>&1 </dev/null &"), 0);
}

}  // namespace
