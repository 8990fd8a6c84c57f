// SPDX-License-Identifier: Apache-2.0
// Where a server's ports come from, and what happens when somebody else has them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <curfew/curfew.h>

#include "process/file_descriptor.h"
#include "process/mark.h"
#include "processes.h"

namespace curfew {
namespace {

using process::FileDescriptor;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::Eventually;
using testing_support::Program;
using testing_support::TemporaryDirectory;

ServerSpec Sample(const std::string& name) {
  return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"}};
}

// A stranger that binds like most servers do, over a hold of ours too.
FileDescriptor Occupy(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                       ::listen(socket.get(), 8) == 0;
  if (!listens) throw std::system_error(errno, std::system_category(), "occupy port " + std::to_string(port));
  return socket;
}

std::string RefusalOf(ServerSpec spec, StartError::Reason reason) {
  try {
    auto server = Server::Start(std::move(spec));
    ADD_FAILURE() << "it started";
  } catch (const StartError& error) {
    EXPECT_STREQ(StartError::Name(error.reason()), StartError::Name(reason)) << error.what();
    return error.what();
  }
  return "";
}

TEST(PortsTest, ServerThatBindsOverTheReservationNeedsNoSecondAttempt) {
  auto server = Server::Start(Sample("tcp_echo"));
  EXPECT_THAT(server.start_notes(), IsEmpty());
}

TEST(PortsTest, ServerThatSetsNoReuseOptionIsRecognisedAndServed) {
  auto server = Server::Start(Sample("binds_plainly"));
  EXPECT_THAT(server, IsReady());
  EXPECT_THAT(server.start_notes(), ElementsAre(AllOf(HasSubstr("attempt 1"), HasSubstr("neither SO_REUSEADDR"))));
  const auto port = server.port();
  server.Restart();  // known by now, and nothing has changed
  EXPECT_EQ(server.port(), port);
  EXPECT_THAT(server.start_notes(), IsEmpty());
}

TEST(PortsTest, ServerThatSetsNoReuseOptionIsServedOnAFixedPortToo) {
  std::uint16_t number = 0;
  {
    auto server = Server::Start(Sample("tcp_echo"));
    number = server.port();
  }
  auto spec = Sample("binds_plainly");
  spec.ports = {{"", number}};
  auto server = Server::Start(std::move(spec));
  EXPECT_EQ(server.port(), number);
}

TEST(PortsTest, OneAttemptIsOneAttempt) {
  auto spec = Sample("binds_plainly");
  spec.port_attempts = 1;
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kDiedEarly), HasSubstr("Address already in use"));
}

// The server asks, through a pair of FIFOs, for its port to be stolen before it binds.
class StolenPort : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkfifo((directory_.path() + "/ask").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((directory_.path() + "/go").c_str(), 0600), 0);
  }
  // Steals the port of the first `times` attempts.
  ServerSpec Spec(int times) {
    thief_ = std::jthread([this, times] {
      for (int i = 0; i < times; ++i) {
        int port = 0;
        std::ifstream(directory_.path() + "/ask") >> port;
        stolen_.push_back(Occupy(static_cast<std::uint16_t>(port)));
        std::ofstream(directory_.path() + "/go") << "go\n";
      }
    });
    const std::string count = directory_.path() + "/count";
    const std::string script = "echo x >> " + count + "; [ $(wc -l < " + count + ") -gt " + std::to_string(times) +
                               " ] || { echo {port} > " + directory_.path() + "/ask; read go < " + directory_.path() +
                               "/go; }; exec " CURFEW_SAMPLE_DIR "/tcp_echo --port {port}";
    return {.name = "robbed", .shell = script};
  }

  TemporaryDirectory directory_;
  std::vector<FileDescriptor> stolen_;
  std::jthread thief_;
};

TEST_F(StolenPort, StartIsRetriedOnAFreshPortAndSaid) {
  auto server = Server::Start(Spec(2));
  EXPECT_THAT(server, IsReady());
  EXPECT_THAT(server.start_notes(), ElementsAre(AllOf(HasSubstr("attempt 1"), HasSubstr("this test program itself")),
                                                HasSubstr("attempt 2")));
}

TEST_F(StolenPort, AttemptsEndAndAllAreTold) {
  auto spec = Spec(2);
  spec.port_attempts = 2;
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken),
              AllOf(HasSubstr("before      attempt 1"), HasSubstr("this test program itself")));
}

// A server on a port of its own, outside of any run of this program.
class Neighbour {
 public:
  explicit Neighbour(const std::string& mark) {
    {
      auto server = Server::Start(Sample("tcp_echo"));
      port = server.port();
    }
    program = std::make_unique<Program>(
        std::vector<std::string>{CURFEW_SAMPLE_DIR "/tcp_echo", "--port", std::to_string(port)},
        std::vector<std::pair<std::string, std::string>>{{"CURFEW_MARK", mark}, {"CURFEW_OWNER", Nobody()}},
        directory.path() + "/out");
    up = Eventually(
        [this] { return testing_support::ReadFile(directory.path() + "/out").find("listening") != std::string::npos; });
  }
  // A process with our number that began later: there is none.
  static std::string Nobody() {
    auto owner = process::Owner::OfSelf(procfs::Proc());
    if (!owner) return "";
    ++owner->start_ticks;
    return owner->ToString();
  }
  TemporaryDirectory directory;
  std::uint16_t port = 0;
  std::unique_ptr<Program> program;
  bool up = false;
};

TEST(FixedPortTest, TheOneWhoHasItIsNamed) {
  const Neighbour neighbour("");
  ASSERT_TRUE(neighbour.up);
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", neighbour.port}};
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken),
              AllOf(HasSubstr("is listened on by pid " + std::to_string(neighbour.program->pid()) + " ("),
                    HasSubstr("tcp_echo --port"), Not(HasSubstr("orphan"))));
}

TEST(FixedPortTest, AnOrphanOfADeadRunIsCalledOne) {
  const Neighbour neighbour("cf0123456789/Old.Test/redis");
  ASSERT_TRUE(neighbour.up);
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", neighbour.port}};
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken),
              AllOf(HasSubstr("server \"redis\" of run cf0123456789"), HasSubstr("yesterday's orphan")));
}

TEST(FixedPortTest, AServerOfThisRunIsNoOrphan) {
  auto first = Server::Start(Sample("tcp_echo"));
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", first.port()}};
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken),
              AllOf(HasSubstr("pid "), HasSubstr("server \"tcp_echo\" of run"), Not(HasSubstr("orphan"))));
}

// Bound, and nothing more.
FileDescriptor BindOnly(int type, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::system_category(), "bind port " + std::to_string(port));
  }
  return socket;
}

TEST(FixedPortTest, TheOneWhoHasAnotherPortOrTheOtherProtocolIsNotNamed) {
  const Neighbour neighbour("");  // listens on the TCP port
  ASSERT_TRUE(neighbour.up);
  const FileDescriptor datagrams = BindOnly(SOCK_DGRAM, neighbour.port);
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", neighbour.port}};
  spec.sockets = {ListenSocket::Udp()};
  spec.command = {"sleep", "100"};
  spec.ready = Ready::Activated();
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken),
              AllOf(HasSubstr("UDP 127.0.0.1:" + std::to_string(neighbour.port) + " is bound by pid "),
                    HasSubstr("this test program itself"), Not(HasSubstr("tcp_echo --port"))));
}

// The numbers the server says it listens on, in the order in which it began to.
std::vector<std::uint16_t> Announced(const Server& server) {
  std::vector<std::uint16_t> numbers;
  std::istringstream log(server.log().Text());
  const std::string begin = "listening on 127.0.0.1:";
  for (std::string line; std::getline(log, line);) {
    if (line.starts_with(begin)) numbers.push_back(static_cast<std::uint16_t>(std::stoi(line.substr(begin.size()))));
  }
  return numbers;
}

TEST(DiscoverTest, NumberIsReadFromTheKernel) {
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", Port::Discover()}};
  auto server = Server::Start(std::move(spec));
  EXPECT_THAT(Announced(server), ElementsAre(server.port()));
  EXPECT_THAT(server, IsReady());
  server.Restart();
  EXPECT_EQ(Announced(server).back(), server.port());
  TcpClient client(server.host(), server.port(), 60s);
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

TEST(DiscoverTest, SeveralAreInTheOrderOfTheServersDescriptors) {
  auto server =
      Server::Start({.command = {CURFEW_SAMPLE_DIR "/binds_any", "--count", "4"},
                     .ports = {{"", Port::Discover()}, {"third", Port::Discover(2)}, {"last", Port::Discover(3)}},
                     .ready = Ready::All({Ready::Tcp("last"), Ready::Tcp()})});
  const auto announced = Announced(server);
  ASSERT_EQ(announced.size(), 4U);
  EXPECT_EQ(server.port(), announced[0]);
  EXPECT_EQ(server.port("third"), announced[2]);
  EXPECT_EQ(server.port("last"), announced[3]);
}

TEST(DiscoverTest, FunctionChoosesAmongThem) {
  std::set<std::uint16_t> seen;
  const auto third = [&seen](const Listening& listening) {
    EXPECT_EQ(listening.address, "127.0.0.1");
    EXPECT_GT(listening.pid, 0);
    seen.insert(listening.port);
    return seen.size() == 3;
  };
  auto server = Server::Start(
      {.command = {CURFEW_SAMPLE_DIR "/binds_any", "--count", "3"}, .ports = {{"", Port::Discover(third)}}});
  EXPECT_EQ(server.port(), Announced(server).back());
}

TEST(DiscoverTest, WhatWorkersListenOnIsFoundBehindTheLeadersOwn) {
  auto server = Server::Start({.shell = CURFEW_SAMPLE_DIR "/tcp_echo & wait", .ports = {{"", Port::Discover()}}});
  EXPECT_THAT(Announced(server), ElementsAre(server.port()));
}

TEST(DiscoverTest, ServerThatTellsALotBeforeItListensIsNotBlocked) {
  constexpr const char* kScript =
      "import os, socket, time\n"
      "n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); a = os.environ['NOTIFY_SOCKET']\n"
      "n.connect(chr(0) + a[1:] if a[0] == '@' else a)\n"
      "for i in range(200): n.send(b'STATUS=loading %d' % i)\n"
      "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); n.send(b'READY=1'); time.sleep(100)\n";
  auto server = Server::Start(
      {.command = {"python3", "-c", kScript}, .ports = {{"", Port::Discover()}}, .ready = Ready::Notify()});
  EXPECT_NE(server.port(), 0);
}

TEST(DiscoverTest, PortThatIsClosedAgainIsNotTheOneThatIsMeant) {
  constexpr const char* kScript =
      "import socket, sys, time\n"
      "first = socket.socket(); first.bind(('127.0.0.1', 0)); first.listen(); print('first', flush=True)\n"
      "open(sys.argv[1]).read(); first.close()\n"
      "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print('listening on 127.0.0.1:%d' % "
      "s.getsockname()[1], flush=True)\n"
      "time.sleep(100)\n";
  const TemporaryDirectory directory;
  const std::string fifo = directory.path() + "/go";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  bool told = false;
  const auto go = [&](const ServerAddress& address) {
    if (!std::exchange(told, true)) std::ofstream(fifo) << "go\n";  // the first number is known
    return address.port() != 0;
  };
  auto server = Server::Start({.command = {"python3", "-c", kScript, fifo},
                               .ports = {{"", Port::Discover()}},
                               .ready = Ready::All({Ready::When(go), Ready::Log("^listening on"), Ready::Tcp()})});
  EXPECT_THAT(Announced(server), ElementsAre(server.port()));
  EXPECT_THAT(server, IsReady());
}

TEST(DiscoverTest, FunctionThatThrowsIsShown) {
  EXPECT_THAT(
      RefusalOf({.command = {CURFEW_SAMPLE_DIR "/binds_any", "--count", "1"},
                 .ports = {{"", Port::Discover([](const Listening&) -> bool { throw std::runtime_error("no idea"); })}},
                 .ready_timeout = 1s},
                StartError::kTimedOut),
      HasSubstr("its function threw \"no idea\""));
}

TEST(DiscoverTest, TooFewAreToldWhenTimeIsUp) {
  EXPECT_THAT(RefusalOf({.command = {CURFEW_SAMPLE_DIR "/binds_any", "--count", "2"},
                         .ports = {{"", Port::Discover(2)}},
                         .ready_timeout = 1s},
                        StartError::kTimedOut),
              AllOf(HasSubstr("the server listens on"), HasSubstr("{port} is not there yet")));
}

TEST(PrivateAddressTest, ServersWithTheSameFixedPortRunAtOnce) {
  std::uint16_t number = 0;
  {
    auto any = Server::Start(Sample("tcp_echo"));
    number = any.port();
  }
  std::vector<Server> servers;
  std::set<std::string> hosts;
  for (int i = 0; i < 5; ++i) {
    servers.push_back(Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--host", "{host}", "--port", "{port}"},
                                     .ports = {{"", number}},
                                     .private_address = true}));
    EXPECT_THAT(servers.back(), IsReady());
    EXPECT_THAT(servers.back().host(), testing::StartsWith("127."));
    hosts.insert(servers.back().host());
    TcpClient client(servers.back().host(), number, 60s);
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
  EXPECT_EQ(hosts.size(), 5U);
}

TEST(PrivateAddressTest, WhoListensOnEveryAddressIsInTheWayAndNamed) {
  auto everywhere =
      Server::Start({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--host", "0.0.0.0", "--port", "{port}"}});
  auto spec = Sample("tcp_echo");
  spec.ports = {{"", everywhere.port()}};
  spec.private_address = true;
  EXPECT_THAT(RefusalOf(std::move(spec), StartError::kPortTaken), HasSubstr("pid " + std::to_string(everywhere.pid())));
}

ServerSpec Activated(std::vector<ListenSocket> sockets) {
  return {.command = {CURFEW_SAMPLE_DIR "/activated"}, .sockets = std::move(sockets), .ready = Ready::Activated()};
}

TEST(ActivatedTest, SocketsOfEveryKindAreOpenNamedAndNobodyElses) {
  auto server =
      Server::Start(Activated({ListenSocket::Tcp(), ListenSocket::Udp("dns"), ListenSocket::Tcp("dns"),
                               ListenSocket::Unix("{socket}", "control"), ListenSocket::UnixDatagram("log.sock")}));
  ASSERT_TRUE(Eventually([&] { return server.log().Find("unix datagram bound").has_value(); })) << server.log().Text();
  const auto lines = server.log().Tail();
  EXPECT_THAT(lines, ElementsAre("names port:dns:dns:control:socket", "socket inet stream listens",
                                 "socket inet datagram bound", "socket inet stream listens",
                                 "socket unix stream listens", "socket unix datagram bound"));
  EXPECT_NE(server.port(), server.port("dns"));
  TcpClient client(server.host(), server.port(), 60s);
  EXPECT_EQ(client.Exchange("hello"), "hello");
  EXPECT_THAT(server, IsReady());
}

TEST(ActivatedTest, ClientsWaitInTheQueueOfAServerThatIsNotUpYet) {
  auto spec = Activated({ListenSocket::Tcp()});
  spec.command.insert(spec.command.end(), {"--delay-ms", "500"});
  auto server = Server::Start(std::move(spec));
  TcpClient client(server.host(), server.port(), 60s);
  client.Send("early\n");
  EXPECT_EQ(client.ReceiveLine(), "early");
}

TEST(ActivatedTest, DeadServerRefusesAndComesBackOnTheSamePort) {
  auto server = Server::Start(Activated({ListenSocket::Tcp(), ListenSocket::Unix()}));
  const auto port = server.port();
  server.Crash();
  EXPECT_NO_THROW(Occupy(port));  // nobody listens there any more, and what is held can be bound over
  server.Restart();
  EXPECT_EQ(server.port(), port);
  TcpClient client(server.host(), port, 60s);
  EXPECT_EQ(client.Exchange("again"), "again");
}

TEST(ActivatedTest, WhoHasThePortAtARestartIsNamed) {
  auto server = Server::Start(Activated({ListenSocket::Tcp()}));
  server.Stop();
  const auto stranger = Occupy(server.port());
  try {
    server.Restart();
    ADD_FAILURE() << "it started";
  } catch (const StartError& error) {
    EXPECT_STREQ(StartError::Name(error.reason()), "kPortTaken") << error.what();
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("is listened on by pid " + std::to_string(::getpid())), HasSubstr("EADDRINUSE")));
  }
}

TEST(ActivatedTest, SocketThatCannotBeBoundIsNamed) {
  EXPECT_THAT(RefusalOf(Activated({ListenSocket::Unix("/no/such/directory/s")}), StartError::kCouldNotLaunch),
              AllOf(HasSubstr("bind the server's socket to /no/such/directory/s"), HasSubstr("ENOENT")));
}

}  // namespace
}  // namespace curfew
