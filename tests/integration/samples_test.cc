// SPDX-License-Identifier: Apache-2.0
// One row for each behaviour of a server, good or bad: how its start comes out, what its tree looks like, what its
// stop takes, and what is left of it. All checks derive from the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <optional>
#include <string>

#include <curfew/curfew.h>

#include "processes.h"

namespace curfew {
namespace {

using testing_support::Truth;

struct Behaviour {
  std::string name;
  std::vector<std::string> arguments;  // of the sample of that name
  Ready ready = Ready::Tcp();
  bool daemonizes = false;
  std::optional<StartError::Reason> fails = {};  // absent: it starts
  std::size_t least_processes = 1;
  bool graceful = true;
  std::size_t orphans = 0;
  std::string last_line = {};  // regex
};

const Behaviour kTable[] = {
    {.name = "tcp_echo", .arguments = {}},
    {.name = "http_hello", .arguments = {}, .ready = Ready::Http("/health")},
    {.name = "http_hello", .arguments = {}, .ready = Ready::Http("/status/503", {.status = {503}})},
    {.name = "slow_start", .arguments = {"--delay-ms", "300"}},
    {.name = "never_listens", .arguments = {}, .fails = StartError::kTimedOut},
    {.name = "dies_early", .arguments = {"--code", "3"}, .fails = StartError::kDiedEarly},
    {.name = "dies_early", .arguments = {"--signal", "11"}, .fails = StartError::kDiedEarly},
    {.name = "ignores_sigterm", .arguments = {}, .least_processes = 2, .graceful = false},
    {.name = "forks_workers", .arguments = {"--workers", "3"}, .least_processes = 4},
    {.name = "own_session_child", .arguments = {}, .least_processes = 2},
    {.name = "double_fork_daemon", .arguments = {}, .least_processes = 2, .orphans = 1},
    {.name = "double_fork_daemon", .arguments = {"--leader-exits"}, .daemonizes = true},
    {.name = "floods_output",
     .arguments = {"--mib", "8"},
     .ready = Ready::Log("^flood done$"),
     .last_line = "flood done|listening"},
    {.name = "slow_stop", .arguments = {"--stop-ms", "300"}, .last_line = "^stopped$"},
    {.name = "many_groups", .arguments = {}, .least_processes = 5},
};

class Samples : public testing::TestWithParam<std::size_t> {
 protected:
  ServerSpec SpecOf(const Behaviour& behaviour) const {
    ServerSpec spec{.command = {CURFEW_SAMPLE_DIR "/" + behaviour.name, "--port", "{port}"}};
    spec.command.insert(spec.command.end(), behaviour.arguments.begin(), behaviour.arguments.end());
    spec.env[Truth::kVariable] = truth_.token();
    spec.ready = behaviour.ready;
    spec.daemonizes = behaviour.daemonizes;
    // Only a start that is meant to time out waits for it; only a stop that is meant to kill waits for its grace.
    if (behaviour.fails == StartError::kTimedOut) spec.ready_timeout = 500ms;
    spec.stop = {{{SIGTERM, behaviour.graceful ? Duration(60s) : Duration(200ms)}}};
    return spec;
  }
  Truth truth_;
};

TEST_P(Samples, ComeOutAsTheTableSays) {
  const auto& expected = kTable[GetParam()];
  try {
    auto server = Server::Start(SpecOf(expected));
    ASSERT_FALSE(expected.fails) << "it started";
    EXPECT_THAT(server, IsReady());
    EXPECT_GE(server.tree().size(), expected.least_processes) << server.tree();
    const auto result = server.Stop();
    EXPECT_EQ(result.graceful(), expected.graceful) << result;
    EXPECT_EQ(result.orphans.size(), expected.orphans) << result;
    if (!expected.last_line.empty()) {
      EXPECT_THAT(server, HasLogLine(expected.last_line));
    }
  } catch (const StartError& error) {
    ASSERT_TRUE(expected.fails) << error.what();
    EXPECT_STREQ(StartError::Name(error.reason()), StartError::Name(*expected.fails)) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(expected.name));
  }
  EXPECT_TRUE(truth_.Alive().empty()) << truth_.Describe();
}

std::string NameOf(const testing::TestParamInfo<std::size_t>& row) {
  return std::to_string(row.param) + "_" + kTable[row.param].name;
}

INSTANTIATE_TEST_SUITE_P(Table, Samples, testing::Range<std::size_t>(0, std::size(kTable)), NameOf);

TEST(SamplesTest, UnixSocketIsReadyWhenItAccepts) {
  auto server = Server::Start({.command = {CURFEW_SAMPLE_DIR "/unix_echo", "--socket", "{socket}"},
                               .ready = Ready::Unix("{socket}")});
  EXPECT_TRUE(std::filesystem::is_socket(server.socket()));
  EXPECT_THAT(server, IsReady());
}

TEST(SamplesTest, AFloodOfOutputIsNeitherLostNorBlocksTheServer) {
  auto server = Server::Start({.command = {CURFEW_SAMPLE_DIR "/floods_output", "--port", "{port}"},
                               .ready = Ready::All({Ready::Log("^flood done$"), Ready::Tcp()})});
  EXPECT_GE(std::filesystem::file_size(server.log().path()), 100U << 20U);
}

TEST(SamplesTest, EarlyDeathCarriesStatusAndLog) {
  try {
    auto server = Server::Start({.command = {CURFEW_SAMPLE_DIR "/dies_early", "--port", "{port}", "--code", "7"}});
    FAIL() << "it started";
  } catch (const StartError& error) {
    EXPECT_EQ(error.exit_status(), ExitStatus::Exited(7));
    EXPECT_FALSE(error.log_tail().empty());
    EXPECT_THAT(error.what(), testing::HasSubstr("exited with status 7"));
  }
}

TEST(SamplesTest, AStrangerOnTheFixedPortIsNamed) {
  auto first = Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}});
  try {
    auto second = Server::Start({.name = "second",
                                 .command = {CURFEW_SAMPLE_DIR "/never_listens", "--port", "{port}"},
                                 .ports = {{"", first.port()}}});
    FAIL() << "it took a stranger's server for its own";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kPortTaken) << error.what();
  }
}

}  // namespace
}  // namespace curfew
