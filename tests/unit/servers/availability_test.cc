// SPDX-License-Identifier: Apache-2.0
#include "servers/availability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include <curfew/servers.h>
#include <curfew/start_error.h>

namespace curfew::servers {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

// What a call throws, in words.
template <class Error, class Call>
std::string TextOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& other) {
    return std::string("another exception: ") + other.what();
  }
  return "no exception";
}

class AvailabilityTest : public testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name : {"CURFEW_REQUIRE", "CURFEW_EXTERNAL_REDIS", "CURFEW_EXTERNAL_THING"}) ::unsetenv(name);
  }
  const Product kNone{.name = "thing", .program = "no-such-thing-server", .package = "apt install thing"};
  const Product kShell{.name = "shell", .program = "sh", .package = "apt install dash"};
  const Product kEnv{.name = "env", .program = "env", .package = "apt install coreutils"};
};

TEST_F(AvailabilityTest, WhatIsMissingIsUnavailable) {
  EXPECT_THAT(TextOf<Unavailable>([&] { static_cast<void>(Require(kNone, "")); }),
              AllOf(HasSubstr("NOT TESTED: no-such-thing-server is not installed"), HasSubstr("apt install thing"),
                    HasSubstr("CURFEW_EXTERNAL_THING=host:port"), HasSubstr("CURFEW_REQUIRE=thing")));
}

TEST_F(AvailabilityTest, WhatIsMissingAndRequiredIsAnError) {
  for (const char* list : {"thing", "redis, Thing", "all"}) {
    ::setenv("CURFEW_REQUIRE", list, 1);
    EXPECT_THAT(TextOf<StartError>([&] { static_cast<void>(Require(kNone, "")); }),
                HasSubstr("CURFEW_REQUIRE asks for it"));
  }
  ::setenv("CURFEW_REQUIRE", "something,thin", 1);
  EXPECT_THAT(TextOf<Unavailable>([&] { static_cast<void>(Require(kNone, "")); }), HasSubstr("NOT TESTED"));
}

TEST_F(AvailabilityTest, WhatIsThereIsItsPath) { EXPECT_THAT(Require(kShell, ""), EndsWith("/sh")); }

TEST_F(AvailabilityTest, WhatIsTooOldIsUnavailable) {
  EXPECT_THAT(Require(kEnv, "1.0"), EndsWith("/env"));
  EXPECT_THAT(TextOf<Unavailable>([&] { static_cast<void>(Require(kEnv, "9999")); }),
              AllOf(HasSubstr("/env is version "), HasSubstr("wanted is 9999 or later")));
}

TEST_F(AvailabilityTest, AnExternalServerIsReachedByTheRelay) {
  EXPECT_FALSE(External("redis").has_value());
  ::setenv("CURFEW_EXTERNAL_REDIS", "db.example.org:6380", 1);
  EXPECT_THAT(Redis().command,
              ElementsAre(EndsWith("/curfew-relay"), "{host}", "{port}", "db.example.org", "6380"));
  ::setenv("CURFEW_EXTERNAL_REDIS", "[::1]:6380", 1);
  EXPECT_THAT(Redis().command, ElementsAre(EndsWith("/curfew-relay"), "{host}", "{port}", "::1", "6380"));
}

TEST_F(AvailabilityTest, AnExternalAddressThatIsNoneIsAnError) {
  for (const char* wrong : {"localhost", ":6379", "localhost:", "localhost:redis", "localhost:123456"}) {
    ::setenv("CURFEW_EXTERNAL_REDIS", wrong, 1);
    EXPECT_THAT(TextOf<StartError>([] { static_cast<void>(Redis()); }),
                AllOf(HasSubstr("CURFEW_EXTERNAL_REDIS is host:port"), HasSubstr(wrong)));
  }
}

}  // namespace
}  // namespace curfew::servers
