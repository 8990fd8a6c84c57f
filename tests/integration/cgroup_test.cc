// SPDX-License-Identifier: Apache-2.0
// Servers that do something about the cgroup they find themselves in.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <curfew/curfew.h>

#include "containment/cgroup_home.h"
#include "containment/cgroup_leaf.h"
#include "processes.h"
#include "server/run.h"

namespace curfew {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing_support::Eventually;
using testing_support::ReadFile;

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    const auto home = containment::FindOwnCgroup();
    if (!home.ok()) GTEST_SKIP() << "no cgroup to be had here: " << home.failure().ToString();
    if (LevelIs("basic")) GTEST_SKIP() << "CURFEW_CONTAINMENT=basic";
    home_ = *home;
  }
  static bool LevelIs(const std::string& level) {
    const char* const value = std::getenv("CURFEW_CONTAINMENT");
    return value != nullptr && value == level;
  }
  // The directory of the leaf a server was begun in: "0::/path" of its first process.
  std::filesystem::path LeafOf(const Server& server) const {
    const std::string text = ReadFile("/proc/" + std::to_string(server.pid()) + "/cgroup");
    const auto name = text.find("/curfew-");
    return name == std::string::npos ? ""
                                     : home_ / text.substr(name + 1, text.find_first_of("/\n", name + 1) - name - 1);
  }
  // A shell server; HOME_ in the line is the cgroup the leaf was made in.
  Server Start(std::string line) const {
    line = "HOME_='" + home_.string() + "'; LEAF=$(ls -d $HOME_/curfew-" + curfew::Run::Current().id() +
           "-* | tail -1); " + line;
    return Server::Start({.shell = line, .ready = Ready::Log("up")});
  }

  std::filesystem::path home_;
};

TEST_F(Cgroup, EachServerLivesInALeafThatIsGoneAfterwards) {
  auto server = Start("echo up; sleep 100");
  const auto leaf = LeafOf(server);
  ASSERT_TRUE(std::filesystem::exists(leaf)) << leaf;
  EXPECT_EQ(containment::RunOfLeaf(leaf.filename().native()), curfew::Run::Current().id());
  EXPECT_THAT(containment::FindOwnCgroup()->string(), home_.string()) << "the test program itself is not moved";
  server.Restart();
  EXPECT_NE(LeafOf(server), leaf) << "a fresh one for each launch";
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(leaf); }));
  const auto second = LeafOf(server);
  EXPECT_THAT(server.Stop().survivors, IsEmpty());
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(second); }));
}

TEST_F(Cgroup, WhatItNestsIsKilledAndRemovedWithIt) {
  auto server = Start(
      "mkdir -p $LEAF/a/b && (echo 0 > $LEAF/a/b/cgroup.procs; trap '' TERM; echo up; sleep 100; sleep 100) & "
      "trap '' TERM; wait; sleep 100");
  const auto leaf = LeafOf(server);
  ASSERT_TRUE(std::filesystem::exists(leaf / "a" / "b"));
  server.Crash();
  EXPECT_THAT(server.tree().processes, IsEmpty());
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(leaf); }));
}

// With the privilege to move itself a process can leave. Then lineage and tag hold it as they do without a cgroup.
TEST_F(Cgroup, WhoLeavesItIsEndedAllTheSame) {
  auto server = Start(
      "(echo 0 > $HOME_/cgroup.procs; trap '' TERM; setsid sh -c \"trap '' TERM; sleep 100; sleep 100\" & echo up; "
      "sleep 100) & "
      "trap '' TERM; wait; sleep 100");
  const auto leaf = LeafOf(server);
  const auto inside = [&] {
    int count = 0;
    for (const auto& process : server.tree().processes) {
      if (ReadFile("/proc/" + std::to_string(process.pid) + "/cgroup").find(leaf.filename()) != std::string::npos)
        ++count;
    }
    return count;
  };
  ASSERT_TRUE(Eventually([&] { return static_cast<int>(server.tree().size()) > inside() + 2; })) << server.tree();
  server.Crash();
  EXPECT_THAT(server.tree().processes, IsEmpty());
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(leaf); }));
}

}  // namespace
}  // namespace curfew
