// SPDX-License-Identifier: Apache-2.0
#include <curfew/tree.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace curfew {
namespace {

using namespace std::string_literals;

std::string Shown(const std::vector<std::string>& command, std::size_t max = 200) {
  ProcessInfo process;
  process.command = command;
  return process.CommandLine(max);
}

ProcessInfo Process(pid_t pid, pid_t parent, const std::string& name) {
  ProcessInfo process;
  process.pid = pid;
  process.parent = parent;
  process.command = {name};
  return process;
}

TEST(CommandLineTest, PlainArgumentsAreJoined) {
  EXPECT_EQ(Shown({"redis-server", "--port", "6379"}), "redis-server --port 6379");
  EXPECT_EQ(Shown({"grün", "日本", "😀"}), "grün 日本 😀");
}

TEST(CommandLineTest, ArgumentsThatWouldBeMisreadAreQuoted) {
  EXPECT_EQ(Shown({"sh", "-c", "echo a b"}), "sh -c 'echo a b'");
  EXPECT_EQ(Shown({"a", ""}), "a ''");
  EXPECT_EQ(Shown({"echo 'x'"}), "\"echo 'x'\"");
  EXPECT_EQ(Shown({"echo \"x\""}), "'echo \"x\"'");
  EXPECT_EQ(Shown({"'\""}), R"('\x27"')");
}

TEST(CommandLineTest, WhatDisturbsATerminalIsEscaped) {
  EXPECT_EQ(Shown({"a\nb\x1B[31m\x7F\\"s}), R"(a\x0Ab\x1B[31m\x7F\x5C)");
  EXPECT_EQ(Shown({"\0"s}), R"(\x00)");
  EXPECT_EQ(Shown({"\xC2\x9B"}), R"(\xC2\x9B)") << "a one-character CSI";
  EXPECT_EQ(Shown({"\u202Egpj.exe"}), R"(\xE2\x80\xAEgpj.exe)") << "writes backwards";
  EXPECT_EQ(Shown({"\uFFFF"}), R"(\xEF\xBF\xBF)") << "not allowed in XML";
}

TEST(CommandLineTest, InvalidUtf8IsEscaped) {
  EXPECT_EQ(Shown({"\xFF"}), R"(\xFF)");
  EXPECT_EQ(Shown({"a\xC3"}), R"(a\xC3)") << "cut";
  EXPECT_EQ(Shown({"\xC3z"}), R"(\xC3z)");
  EXPECT_EQ(Shown({"\xC0\xAF"}), R"(\xC0\xAF)") << "longer than needed";
  EXPECT_EQ(Shown({"\xE0\x80\xAF"}), R"(\xE0\x80\xAF)") << "longer than needed";
  EXPECT_EQ(Shown({"\xED\xA0\x80"}), R"(\xED\xA0\x80)") << "surrogate";
  EXPECT_EQ(Shown({"\xF4\x90\x80\x80"}), R"(\xF4\x90\x80\x80)") << "above U+10FFFF";
}

TEST(CommandLineTest, ProcessWithoutArgumentsShowsItsName) {
  ProcessInfo process;
  process.name = "kworker\n";
  EXPECT_EQ(process.CommandLine(), R"([kworker\x0A])");
}

TEST(CommandLineTest, IsCutAtTheLimitBetweenCharacters) {
  EXPECT_EQ(Shown({"1234567890"}, 10), "1234567890");
  EXPECT_EQ(Shown({"12345678901"}, 10), "1234567...");
  EXPECT_EQ(Shown({"12345\n78901"}, 10), "12345...") << "an escape is not cut in two";
  EXPECT_EQ(Shown({"123456äääää"}, 10), "123456...") << "nor is a character";
  EXPECT_EQ(Shown({std::string(3'000'000, 'x')}).size(), 200U);
  for (std::size_t max = 0; max < 30; ++max) {
    EXPECT_LE(Shown({"sh", "-c", "ä \n \x01 ö", std::string(20, 'x')}, max).size(), max);
  }
}

TEST(TreeTest, IsDrawnWithParentsAboveTheirChildren) {
  Tree tree{.leader = 10, .processes = {}};
  tree.processes = {Process(12, 11, "grandchild"), Process(20, 1, "orphan"), Process(11, 10, "child"),
                    Process(10, 3, "leader"), Process(13, 10, "second")};
  tree.processes[1].session = 20;
  tree.processes[2].group = 11;
  tree.processes[3].ports = {80, 443};
  tree.processes[4].state = 'Z';
  const std::string expected =
      "10 leader  (port 80, port 443)\n"
      "  11 child  (own group)\n"
      "    12 grandchild\n"
      "  13 second  (zombie)\n"
      "20 orphan  (own session)\n";
  EXPECT_EQ(tree.ToString(), expected);
  std::ostringstream out;
  out << tree;
  EXPECT_EQ(out.str(), expected);
}

TEST(TreeTest, ContainsItsProcessesOnly) {
  const Tree tree{.leader = 10, .processes = {Process(11, 10, "child")}};
  EXPECT_TRUE(tree.Contains(11));
  EXPECT_FALSE(tree.Contains(10)) << "the leader is gone";
  EXPECT_EQ(tree.size(), 1U);
  EXPECT_FALSE(tree.empty());
}

TEST(TreeTest, CircleOfParentsIsDrawnOnce) {
  const Tree tree{.leader = 1, .processes = {Process(1, 2, "a"), Process(2, 1, "b"), Process(3, 3, "c")}};
  EXPECT_EQ(tree.ToString(), "3 c\n1 a\n  2 b\n");
}

TEST(TreeTest, DeepChainIsDrawnInReasonableSpace) {
  Tree tree{.leader = 1, .processes = {}};
  for (pid_t pid = 1; pid <= 10'000; ++pid) tree.processes.push_back(Process(pid, pid - 1, "x"));
  const std::string drawn = tree.ToString();
  EXPECT_EQ(std::count(drawn.begin(), drawn.end(), '\n'), 10'000);
  EXPECT_LT(drawn.size(), 1'000'000U);
}

}  // namespace
}  // namespace curfew
