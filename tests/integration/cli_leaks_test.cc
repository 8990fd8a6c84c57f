// SPDX-License-Identifier: Apache-2.0
// `curfew leaks` and `curfew ps` from outside. Other runs may be going on on this machine: only ours are looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "processes.h"

namespace curfew::testing_support {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliLeaksTest : public testing::Test {
 protected:
  ~CliLeaksTest() override { truth_.EndAll(); }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Variables() const {
    return {{Truth::kVariable, truth_.token()}, {"TMPDIR", directory_.path()}};
  }
  // What `curfew COMMAND` prints, and its exit code.
  std::string Curfew(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CURFEW_PROGRAM);
    const auto output = directory_.path() + "/output" + std::to_string(++outputs_);
    Program program(arguments, Variables(), output);
    const auto status = program.Wait();
    code_ = status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
    return ReadFile(output);
  }
  // Leaves an orphan of a run whose front and guardian were killed at once: what no one else reaps. The run's id.
  std::string LeaveOrphan() {
    const auto out = directory_.path() + "/left";
    Program run({CURFEW_PROGRAM, "run", "--keep", "--leaks=warn", "--", "/bin/sh", "-c",
                 "setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $CURFEW_MARK"},
                Variables(), out);
    EXPECT_TRUE(run.Wait());
    EXPECT_EQ(truth_.Alive().size(), 1U) << truth_.Describe() << ReadFile(out);
    const auto text = ReadFile(out);
    return text.substr(0, text.find('/'));
  }
  // The part of the text about one run.
  static std::string PartOf(const std::string& text, const std::string& run) {
    const auto begin = text.find("run " + run);
    if (begin == std::string::npos) return "";
    return text.substr(begin, text.find("\nrun ", begin) - begin);
  }

  Truth truth_;
  TemporaryDirectory directory_;
  int outputs_ = 0;
  int code_ = -1;
};

TEST_F(CliLeaksTest, OrphanOfAnEarlierRunIsShownAndKilled) {
  const auto run = LeaveOrphan();
  ASSERT_FALSE(run.empty());
  const auto shown = Curfew({"leaks"});
  EXPECT_EQ(code_, 86);
  EXPECT_THAT(PartOf(shown, run), AllOf(HasSubstr("is over, and has left"), HasSubstr("sleep 300"), HasSubstr(" old")));
  EXPECT_EQ(truth_.Alive().size(), 1U) << "only asked to show";
}

TEST_F(CliLeaksTest, JsonNamesRunAndProcess) {
  const auto run = LeaveOrphan();
  const auto document = json::parse(Curfew({"leaks", "--json"}), nullptr, false);
  ASSERT_TRUE(document.is_object());
  json ours;
  for (const auto& each : document.at("runs")) {
    if (each.at("run") == run) ours = each;
  }
  ASSERT_FALSE(ours.is_null()) << document.dump(1);
  EXPECT_EQ(ours.at("processes").at(0).at("process").at("command"), json({"sleep", "300"}));
}

TEST_F(CliLeaksTest, RunThatIsGoingOnIsNoLeakAndStandsInPs) {
  const auto out = directory_.path() + "/run";
  Program run(
      {CURFEW_PROGRAM, "run", "--grace=100ms", "--", "/bin/sh", "-c", "echo $CURFEW_MARK; while :; do sleep 1; done"},
      Variables(), out);
  ASSERT_TRUE(Eventually([&] { return ReadFile(out).find("//\n") != std::string::npos; }));
  const auto id = ReadFile(out).substr(0, ReadFile(out).find('/'));
  EXPECT_THAT(Curfew({"leaks"}), Not(HasSubstr(id)));
  EXPECT_THAT(PartOf(Curfew({"ps"}), id), AllOf(HasSubstr("/bin/sh -c"), HasSubstr("curfew run")));
  EXPECT_EQ(code_, 0);
  run.Signal(SIGTERM);
  EXPECT_TRUE(run.Wait());
}

// Anybody can make a directory of that name in the temporary directory.
TEST_F(CliLeaksTest, PsReadsOutNoOtherUsersJournal) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's file";
  const auto out = directory_.path() + "/run";
  TemporaryDirectory elsewhere;
  auto variables = Variables();
  variables.back().second = elsewhere.path();
  Program run(
      {CURFEW_PROGRAM, "run", "--grace=100ms", "--", "/bin/sh", "-c", "echo $CURFEW_MARK; while :; do sleep 1; done"},
      variables, out);
  ASSERT_TRUE(Eventually([&] { return ReadFile(out).find("//\n") != std::string::npos; }));
  const auto id = ReadFile(out).substr(0, ReadFile(out).find('/'));
  const auto directory = directory_.path() + "/curfew-" + id;
  std::filesystem::create_directory(directory);
  std::ofstream(directory + "/journal.jsonl")
      << json({{"event", "run_begin"}, {"time_ms", 1}, {"run", id}, {"pid", 1}, {"command", json::array()}}) << '\n'
      << json({{"event", "test_begin"}, {"time_ms", 2}, {"test", "Evil.Words"}}) << '\n';
  EXPECT_THAT(PartOf(Curfew({"ps"}), id), HasSubstr("in Evil.Words for")) << "of this user's journal it is told";
  ASSERT_EQ(::chown(directory.c_str(), 65534, 65534), 0);
  const auto told = PartOf(Curfew({"ps"}), id);
  EXPECT_THAT(told, AllOf(HasSubstr("/bin/sh -c"), Not(HasSubstr("Evil.Words"))));
  run.Signal(SIGTERM);
  EXPECT_TRUE(run.Wait());
}

TEST_F(CliLeaksTest, OutputThatIsLostIsNoAnswer) {
  const auto out = directory_.path() + "/run";
  Program run(
      {CURFEW_PROGRAM, "run", "--grace=100ms", "--", "/bin/sh", "-c", "echo $CURFEW_MARK; while :; do sleep 1; done"},
      Variables(), out);
  ASSERT_TRUE(Eventually([&] { return ReadFile(out).find("//\n") != std::string::npos; }));
  for (const std::string how : {"ps", "ps --json", "leaks --json", "--help"}) {
    for (const char* where : {" >/dev/full", " >&-"}) {
      const auto complaint = directory_.path() + "/complaint";
      std::filesystem::remove(complaint);
      Program lost({"/bin/sh", "-c", std::string("'") + CURFEW_PROGRAM + "' " + how + where}, Variables(), complaint);
      const auto status = lost.Wait();
      EXPECT_TRUE(status && WIFEXITED(*status) && WEXITSTATUS(*status) == 125) << how << where;
      EXPECT_THAT(ReadFile(complaint), HasSubstr("failed to write to standard output")) << how << where;
    }
  }
  run.Signal(SIGTERM);
  EXPECT_TRUE(run.Wait());
}

TEST_F(CliLeaksTest, WhatMayStayIsNoLeakOfLater) {
  const auto run = LeaveOrphan();
  ASSERT_FALSE(run.empty());
  const auto file = directory_.path() + "/curfew.supp";
  std::ofstream(file) << "command:\"sleep 300\" # meant to stay\n";
  EXPECT_THAT(PartOf(Curfew({"leaks", "--suppressions", file}), run), HasSubstr("exempted: meant to stay"));
  EXPECT_THAT(Curfew({"leaks", "--suppressions", directory_.path()}), HasSubstr("is a directory"));
  EXPECT_EQ(code_, 2);
}

TEST_F(CliLeaksTest, DirectoryOfADeadRunIsRemovedWhenAsked) {
  const auto directory = directory_.path() + "/curfew-cf00000000aa";
  std::filesystem::create_directory(directory);
  std::ofstream(directory + "/journal.jsonl") << "{}\n";
  std::filesystem::last_write_time(directory, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_THAT(Curfew({"leaks"}), HasSubstr(directory));
  EXPECT_EQ(code_, 86);
  EXPECT_TRUE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace curfew::testing_support
