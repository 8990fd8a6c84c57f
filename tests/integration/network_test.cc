// SPDX-License-Identifier: Apache-2.0
// Servers in a network of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <curfew/curfew.h>

#include "process/file_descriptor.h"

namespace curfew {
namespace {

using process::FileDescriptor;
using testing::HasSubstr;

ServerSpec Private(const std::string& name) {
  return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"},
          .ports = {{"", 8080}},
          .network = Network::Private()};
}

std::string Exchange(const FileDescriptor& socket, const std::string& text) {
  std::string answer(text.size(), '\0');
  if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return "failed to send";
  const auto got = ::recv(socket.get(), answer.data(), answer.size(), MSG_WAITALL);
  answer.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return answer;
}

class PrivateNetwork : public testing::Test {
 protected:
  void SetUp() override {
    try {
      auto server = Server::Start(Private("tcp_echo"));
    } catch (const StartError& error) {
      if (error.reason() != StartError::kCouldNotLaunch || error.error_number() != EPERM) throw;
      GTEST_SKIP() << error.what();
    }
  }
};

TEST_F(PrivateNetwork, TenServersHaveTheSamePortAtOnceAndEachAnswersForItself) {
  std::vector<Server> servers;
  for (int i = 0; i < 10; ++i) {
    servers.push_back(Server::Start(Private("tcp_echo")));
    EXPECT_THAT(servers.back(), IsReady());
    EXPECT_EQ(servers.back().port(), 8080);
  }
  for (auto& server : servers) {
    const FileDescriptor socket(server.ConnectTcp());
    EXPECT_EQ(Exchange(socket, "hello"), "hello");
  }
  servers.front().Crash();
  EXPECT_THROW(static_cast<void>(servers.front().ConnectTcp()), std::system_error);
  servers.front().Restart();
  const FileDescriptor socket(servers.front().ConnectTcp());
  EXPECT_EQ(Exchange(socket, "again"), "again");
}

TEST_F(PrivateNetwork, ReadinessIsLookedForInside) {
  auto outside = Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}});
  // A stranger on that number out here is neither the server nor in its way.
  auto spec = Private("never_listens");
  spec.ports = {{"", outside.port()}};
  spec.ready_timeout = 500ms;
  try {
    auto server = Server::Start(std::move(spec));
    FAIL() << "it started";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kTimedOut) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("nobody listens"));
  }
}

TEST_F(PrivateNetwork, WorksWithoutKernelEventAndForSocketsThatAreHandedOver) {
  auto spec = Private("tcp_echo");
  spec.kernel_event = false;
  auto asked = Server::Start(std::move(spec));
  EXPECT_EQ(asked.learnt_by(), "asking");
  auto activated = Server::Start({.command = {CURFEW_SAMPLE_DIR "/activated"},
                                  .ports = {{"", 8080}},
                                  .network = Network::Private(),
                                  .sockets = {ListenSocket::Tcp()},
                                  .ready = Ready::Activated()});
  const FileDescriptor socket(activated.ConnectTcp());
  EXPECT_EQ(Exchange(socket, "hello"), "hello");
}

TEST_F(PrivateNetwork, WhatHasToConnectIsRefused) {
  auto spec = Private("http_hello");
  spec.ready = Ready::All({Ready::Http("/health")});
  try {
    auto server = Server::Start(std::move(spec));
    FAIL() << "it started";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kBadSpec);
    EXPECT_THAT(error.what(), HasSubstr("Network::Private()"));
  }
}

// It listens where nobody here can connect to it; that it is its own is known even so.
TEST_F(PrivateNetwork, ServerThatLeavesForANetworkOfItsOwnIsFollowed) {
  auto server = Server::Start({.shell = "exec unshare $([ $(id -u) = 0 ] || echo -r) -n " CURFEW_SAMPLE_DIR
                                        "/tcp_echo --host 0.0.0.0 --port {port}"});
  EXPECT_TRUE(server.running());
  EXPECT_EQ(server.WhyNotReady(), "") << "though it has just been looked at";
}

TEST_F(PrivateNetwork, PortsAreDiscoveredInANetworkOfTheServersOwnToo) {
  auto somebody = Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}});  // who listens here
  auto server = Server::Start({.shell = "exec unshare $([ $(id -u) = 0 ] || echo -r) -n " CURFEW_SAMPLE_DIR
                                        "/tcp_echo --host 0.0.0.0 --port {port}",
                               .ports = {{"", Port::Discover()}}});
  EXPECT_NE(server.port(), 0);
  EXPECT_EQ(server.WhyNotReady(), "");
}

TEST(ConnectTcpTest, WorksOnTheSharedNetworkToo) {
  auto server = Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}});
  const FileDescriptor socket(server.ConnectTcp());
  EXPECT_EQ(Exchange(socket, "hello"), "hello");
  server.Crash();
  EXPECT_THROW(static_cast<void>(server.ConnectTcp()), std::system_error);
}

}  // namespace
}  // namespace curfew
