// SPDX-License-Identifier: Apache-2.0
#include "containment/cgroup_home.h"

#include <gmock/gmock.h>

#include <cerrno>

namespace curfew::containment {
namespace {

constexpr const char* kPure =
    "23 29 0:21 / /proc rw - proc proc rw\n"
    "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw\n";

std::string Found(std::string_view mountinfo, std::string_view cgroup) {
  const auto home = ParseOwnCgroup(mountinfo, cgroup);
  return home.ok() ? home->string() : home.failure().ToString();
}

TEST(ParseOwnCgroupTest, PureMount) {
  EXPECT_EQ(Found(kPure, "0::/user.slice/user-1000.slice/session-2.scope\n"),
            "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope");
}

TEST(ParseOwnCgroupTest, HybridMountAndTheLinesOfVersionOne) {
  EXPECT_EQ(Found(kHybrid, "9:name=systemd:/\n8:pids:/elsewhere\n0::/mine\n"), "/sys/fs/cgroup/unified/mine");
  EXPECT_EQ(Found(kHybrid, "0::/\n"), "/sys/fs/cgroup/unified/");
}

TEST(ParseOwnCgroupTest, AContainerSeesAPartOfTheHierarchy) {
  constexpr const char* kPart = "35 24 0:30 /docker/ab12 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
  EXPECT_EQ(Found(kPart, "0::/docker/ab12/inner\n"), "/sys/fs/cgroup/inner");
  EXPECT_EQ(Found(kPart, "0::/docker/ab12\n"), "/sys/fs/cgroup");
  EXPECT_THAT(Found(kPart, "0::/docker/ab1234\n"), testing::HasSubstr("ENOENT")) << "a prefix of the name only";
}

TEST(ParseOwnCgroupTest, SpacesInTheMountPointAreEscaped) {
  EXPECT_EQ(Found("35 24 0:30 / /mnt/my\\040cgroups\\134x rw - cgroup2 c rw\n", "0::/a\n"), "/mnt/my cgroups\\x/a");
}

TEST(ParseOwnCgroupTest, SaysWhatIsMissing) {
  EXPECT_THAT(Found(kPure, "8:pids:/x\n"), testing::HasSubstr("find a cgroup v2 of our own"));
  EXPECT_THAT(Found("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n", "0::/\n"),
              testing::HasSubstr("find a mount of cgroup v2"));
  EXPECT_THAT(Found("", ""), testing::HasSubstr("ENOENT"));
  EXPECT_THAT(Found("35 24 0:30 / /sys/fs/cgroup rw", "0::/a"), testing::HasSubstr("find a mount")) << "a cut line";
}

}  // namespace
}  // namespace curfew::containment
