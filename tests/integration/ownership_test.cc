// SPDX-License-Identifier: Apache-2.0
// Whose is the socket that answers? Where that is hardest to tell: groups of sockets on one port, servers of
// another user, and servers that are test programs themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <curfew/curfew.h>

#include "process/file_descriptor.h"
#include "processes.h"
#include "procfs/proc.h"
#include "readiness/listeners.h"
#include "server/run.h"

namespace curfew {
namespace {

using process::FileDescriptor;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::Eventually;
using testing_support::Program;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;
using testing_support::Truth;

std::string Sample(const std::string& name) {
  return CURFEW_SAMPLE_DIR "/" + name;
}

std::size_t ListenersOn(std::uint16_t port) {
  const auto sockets = readiness::MakeListenerTable(procfs::Proc())->On(port);
  return sockets.ok() ? sockets.value().size() : 0;
}

TEST(PortGroup, OfProcessesOfTheServerIsReady) {
  auto server = Server::Start({.command = {Sample("reuseport_group"), "--port", "{port}", "--workers", "3"}});
  EXPECT_TRUE(Eventually([&] { return ListenersOn(server.port()) == 4; })) << ListenersOn(server.port());
  EXPECT_THAT(server, IsReady());
  EXPECT_THAT(server.start_notes(), IsEmpty());
}

// Who listens on the port beside the server would get a share of its clients.
FileDescriptor JoinGroup(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(socket.get(), 8) == 0;
  if (!listens) throw std::system_error(errno, std::system_category(), "join the group of a port");
  return socket;
}

TEST(PortGroup, WithAStrangerInItIsTakenAndTheStrangerNamed) {
  const TemporaryDirectory directory;
  const std::string ask = directory.path() + "/ask";
  const std::string go = directory.path() + "/go";
  ASSERT_EQ(::mkfifo(ask.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  FileDescriptor stranger;
  const std::jthread joins([&] {
    int port = 0;
    std::ifstream(ask) >> port;
    stranger = JoinGroup(static_cast<std::uint16_t>(port));
    std::ofstream(go) << "go\n";
  });
  const std::string script =
      "echo {port} > " + ask + "; read go < " + go + "; exec " + Sample("reuseport_group") + " --port {port}";
  try {
    auto server = Server::Start({.name = "shared", .shell = script, .port_attempts = 1});
    FAIL() << "it shares its port with a stranger, and is ready";
  } catch (const StartError& error) {
    EXPECT_STREQ(StartError::Name(error.reason()), "kPortTaken") << error.what();
    EXPECT_THAT(error.what(), HasSubstr("held by pid " + std::to_string(::getpid())));
  }
}

std::string OwnProgram() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

// The command that runs one of the tests below, which are for nobody else.
std::vector<std::string> InnerTest(const std::string& name) {
  return {OwnProgram(), "--gtest_also_run_disabled_tests", "--gtest_filter=*" + name};
}

// The server of this one is the set-user-id program that SERVER names.
TEST(Inner, DISABLED_StartsAServerOfAnotherUser) {
  auto server =
      Server::Start({.command = {std::getenv("SERVER"), "--port", "{port}"}, .kernel_event = false});
  ASSERT_FALSE(procfs::Proc().SocketInodes(server.pid()))
      << "its descriptors can be read: the case is another";
  EXPECT_THAT(server, IsReady());
  EXPECT_THAT(server.start_notes(),
              Contains(AllOf(HasSubstr("not provable"), HasSubstr("does not show its descriptors"))));
  TcpClient client(server.host(), server.port());
  client.Send("x");
  EXPECT_EQ(client.Receive(1), "x");
}

constexpr uid_t kUser = 54321;
constexpr uid_t kOtherUser = 54322;

TEST(OtherUser, ServerWhoseDescriptorsCannotBeReadIsReadyAndSaidNotToBeProvable) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a program that runs as another user";
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0777);
  const std::string server = directory.path() + "/server";
  std::filesystem::copy_file(Sample("tcp_echo"), server);
  ASSERT_EQ(::chown(server.c_str(), kOtherUser, kOtherUser), 0);
  ASSERT_EQ(::chmod(server.c_str(), 04755), 0);
  const std::vector<std::string> as_user = {"/usr/bin/setpriv",    "--reuid",
                                            std::to_string(kUser), "--regid",
                                            std::to_string(kUser), "--clear-groups"};
  auto reaches = as_user;
  reaches.insert(reaches.end(), {"/usr/bin/test", "-x", OwnProgram()});
  Program reach(reaches, {});
  if (reach.Wait() != 0) GTEST_SKIP() << "another user cannot execute this program, or there is no setpriv";

  auto command = as_user;
  const auto inner = InnerTest("StartsAServerOfAnotherUser");
  command.insert(command.end(), inner.begin(), inner.end());
  const std::string output = directory.path() + "/output";
  Program program(command, {{"SERVER", server}, {"TMPDIR", directory.path()}}, output);
  EXPECT_EQ(program.Wait(), 0) << ReadFile(output);
  EXPECT_THAT(ReadFile(output), HasSubstr("[  PASSED  ] 1 test"));
}

// The number is the outer run's, and held by it: so the inner one names it literally.
TEST(Inner, DISABLED_StartsAServerOnThePortOfTheOuterRun) {
  auto server = Server::Start({.name = "inner",
                               .command = {Sample("tcp_echo"), "--port", std::getenv("OUTER_PORT")},
                               .ready = Ready::Log("listening on")});
  EXPECT_EQ(server.WaitExit(60s), std::nullopt);
}

// Its keeper is no child of its program, and yet no leak.
TEST(Nested, ServerThatIsACurfewProgramIsReadyByTheServerItStarts) {
  const Truth truth;
  {
    auto outer = Server::Start({.name = "outer",
                                .command = InnerTest("StartsAServerOnThePortOfTheOuterRun"),
                                .env = {{"OUTER_PORT", "{port}"}, {truth.kVariable, truth.token()}}});
    EXPECT_THAT(outer, IsReady());
    EXPECT_THAT(Run::Current().CheckForLeaks(Run::Scope::kTest, "this test"), IsEmpty());
    TcpClient client(outer.host(), outer.port());
    client.Send("x");
    EXPECT_EQ(client.Receive(1), "x");
    const auto stopped = outer.Stop();
    EXPECT_THAT(stopped.survivors, IsEmpty()) << stopped;
    EXPECT_THAT(stopped.orphans, IsEmpty()) << stopped;
  }
  EXPECT_TRUE(truth.AwaitNothing()) << truth.Describe();
}

}  // namespace
}  // namespace curfew
