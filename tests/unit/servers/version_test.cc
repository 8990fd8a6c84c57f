// SPDX-License-Identifier: Apache-2.0
#include "servers/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

namespace curfew::servers {
namespace {

using testing::HasSubstr;

TEST(VersionTest, IsFoundInWhatProgramsSay) {
  EXPECT_EQ(FirstVersionIn("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64"), "7.0.15");
  EXPECT_EQ(FirstVersionIn("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"), "15.20");
  EXPECT_EQ(FirstVersionIn("nginx version: nginx/1.22.1"), "1.22.1");
  EXPECT_EQ(FirstVersionIn("mariadbd  Ver 10.11.19-MariaDB"), "10.11.19");
  EXPECT_EQ(FirstVersionIn("Squid Cache: Version 5.7\nService Name: squid"), "5.7");
  EXPECT_EQ(FirstVersionIn("3.37.0"), "3.37.0");
}

TEST(VersionTest, IsNoNumberWithoutADot) {
  EXPECT_EQ(FirstVersionIn("build 42, sha 1234567"), "");
  EXPECT_EQ(FirstVersionIn("ends in 7."), "");
  EXPECT_EQ(FirstVersionIn(""), "");
}

TEST(VersionTest, IsComparedNumberByNumber) {
  EXPECT_TRUE(IsOlder("7.0.15", "7.2"));
  EXPECT_TRUE(IsOlder("9.6", "15"));
  EXPECT_TRUE(IsOlder("7.0", "7.0.1"));
  EXPECT_FALSE(IsOlder("7.0.0", "7"));
  EXPECT_FALSE(IsOlder("7.0.15", "7.0.9"));
  EXPECT_FALSE(IsOlder("15.20", "15.20"));
}

TEST(VersionTest, SaysWhyThereIsNone) {
  EXPECT_EQ(VersionOf("/bin/echo", "it is 3.14 now").found, "3.14");
  EXPECT_THAT(VersionOf("/bin/true", "--nothing").problem, HasSubstr("says \"\""));
  EXPECT_THAT(VersionOf("/nowhere/server", "-v").problem, HasSubstr("ENOENT"));
}

TEST(VersionTest, LeavesNoChildToCollect) {
  static_cast<void>(VersionOf("/usr/bin/env", "--version"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace curfew::servers
