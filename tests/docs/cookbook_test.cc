// SPDX-License-Identifier: Apache-2.0
// What docs/guide/cookbook.md, five-minutes.md and README.md show: between the marks `// [name]` and `// [/name]`
// stands a snippet, word for word. scripts/docs/snippets.py compares them.
#include <curfew/curfew.h>
#include <curfew/servers.h>
#include <curfew/try_start.h>

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "samples_in_path.h"

namespace {

// [using]
using namespace std::chrono_literals;
using curfew::Port;
using curfew::Ready;
using curfew::Server;
using curfew::ServerSpec;
// [/using]

// ---- fixtures ---------------------------------------------------------------------------------------------

// [per-test]
class Kv : public curfew::TcpServerFixture {
  ServerSpec Spec() override {
    return {.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}};
  }
};

TEST_F(Kv, Pings) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }
// [/per-test]

// [crash]
TEST_F(Kv, ComesBackAfterACrash) {
  server().Crash();    // SIGKILL to the whole tree, as a power cut
  server().Restart();  // same port, same directory
  EXPECT_THAT(server(), curfew::IsReady());
}
// [/crash]

// [renew-client]
TEST_F(Kv, KeepsWhatWasSaved) {
  EXPECT_EQ(client().Exchange("SET colour green"), "+OK");
  EXPECT_EQ(client().Exchange("SAVE"), "+OK");
  server().Restart();    // stops it as its spec says, then starts it on the same port and directory
  client() = Connect();  // the old connection has ended with the old process
  EXPECT_EQ(client().Exchange("STRLEN colour"), ":5");
}
// [/renew-client]

// [pause]
TEST_F(Kv, ClientGivesUpOnAServerThatHangs) {
  server().Pause();  // SIGSTOP to the whole tree: it still listens, and answers nothing
  curfew::TcpClient impatient(server().host(), server().port(), 100ms);
  EXPECT_THROW(impatient.Exchange("PING"), std::runtime_error);
  server().Resume();
  EXPECT_EQ(client().Exchange("PING"), "+PONG");
}
// [/pause]

// [expect-death]
TEST_F(Kv, EndsOnRequest) {
  server().ExpectExit();  // else a server that ends in a test fails it
  client().Send("SHUTDOWN NOSAVE\n");
  EXPECT_THAT(server().WaitExit(10s), curfew::HasExited(0));
  EXPECT_THAT(server(), curfew::HasLogLine("bye bye"));
}
// [/expect-death]

// [timeout]
TEST_F(Kv, ImportsForALongTime) {
  curfew::SetTestTimeout(5min);  // this test alone; the others have --curfew_test_timeout
  EXPECT_EQ(client().Exchange("PING"), "+PONG");
}
// [/timeout]

// [per-suite]
class Cache : public curfew::SharedServerFixture<Cache> {
 public:
  static ServerSpec Spec() { return curfew::servers::Memcached(); }
};

TEST_F(Cache, Stores) {
  curfew::TcpClient client(server().host(), server().port());
  EXPECT_EQ(client.Exchange("set a 0 0 1\r\n1\r"), "STORED");
}

TEST_F(Cache, TellsItsVersion) {
  curfew::TcpClient client(server().host(), server().port());
  EXPECT_THAT(client.Exchange("version\r"), testing::StartsWith("VERSION"));
}
// [/per-suite]

// [template]
class Web : public curfew::HttpServerFixture {
  ServerSpec Spec() override {
    return {.command = {"nginx", "-e", "stderr", "-p", "{dir}", "-c", "{dir}/nginx.conf"},
            .files = {{"nginx.conf", R"(
                daemon off; pid nginx.pid; error_log stderr;
                events {}
                http {
                  access_log off;
                  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi;
                  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                  server { listen 127.0.0.1:{port}; location / { root {dir}/pages; } }
                })"},
                      {"pages/index.html", "hello from port {port}"}},
            .ready = Ready::Http("/"),
            .stop = {{{SIGQUIT, 3s, curfew::StopStep::To::kLeader}}}};
  }
};

TEST_F(Web, ServesItsPage) {
  EXPECT_EQ(client().Get("/index.html").body, "hello from port " + std::to_string(server().port()));
}
// [/template]

// [two-servers]
class BehindProxy : public testing::Test {
 protected:
  Server backend_ = Server::Start({.command = {"http_hello", "--port", "{port}"}, .ready = Ready::Http("/health")});
  Server proxy_ = Server::Start(curfew::servers::Nginx("location / { proxy_pass " + backend_.url("/") + "; }"));
};

TEST_F(BehindProxy, PassesRequestsOn) {
  EXPECT_EQ(curfew::HttpClient(proxy_.host(), proxy_.port()).Get("/health").status, 200);
}

TEST_F(BehindProxy, SaysSoWhenTheBackendIsGone) {
  backend_.Stop();
  EXPECT_EQ(curfew::HttpClient(proxy_.host(), proxy_.port()).Get("/").status, 502);
}
// [/two-servers]

// ---- readiness --------------------------------------------------------------------------------------------

// [log]
TEST(Log, TellsWhereTheServerListens) {
  auto server = Server::Start({.command = {"python3", "-u", "-m", "http.server", "0", "--bind", "{host}"},
                               .ready = Ready::Log(R"(Serving HTTP on \S+ port (?P<web>\d+))")});
  const auto port = static_cast<std::uint16_t>(std::stoi(server.captured("web")));
  EXPECT_EQ(curfew::HttpClient(server.host(), port).Get("/").status, 200);
  EXPECT_TRUE(server.log().WaitFor("GET / .* 200", 10s)) << server.log().Text();
}
// [/log]

// [discover]
TEST(Discovery, ReadsThePortFromTheKernel) {
  auto server = Server::Start({.command = {"python3", "-m", "http.server", "{port}", "--bind", "{host}"},
                               .ports = {{"", Port::Discover()}}});  // {port} becomes 0
  EXPECT_NE(server.port(), 0);
  EXPECT_EQ(curfew::HttpClient(server.host(), server.port()).Get("/").status, 200);
}
// [/discover]

// [own-probe]
TEST(OwnProbe, AsksInTheServersOwnLanguage) {
  auto server = Server::Start({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"},
                               .ready = Ready::All({Ready::Tcp(), Ready::When([](const curfew::ServerAddress& where) {
                                 curfew::TcpClient client(where.host, where.port(), 1s);
                                 return client.Exchange("PING") == "+PONG";
                               })})});
  EXPECT_THAT(server, curfew::IsReady());
}
// [/own-probe]

// [command-probe]
TEST(CommandProbe, UsesTheServersOwnTool) {
  auto server = Server::Start({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"},
                               .ready = Ready::Command({"redis-cli", "-p", "{port}", "ping"})});
  EXPECT_THAT(server, curfew::IsReady());
}
// [/command-probe]

// [stays-ready]
TEST(StaysReady, OutlastsAServerThatFallsOverAtFirst) {
  auto server = Server::Start({.command = {"http_hello", "--port", "{port}"},
                               .ready = Ready::StaysReady(Ready::Http("/health", {.status = {200}}), 200ms)});
  EXPECT_THAT(server, curfew::IsReady());
}
// [/stays-ready]

// [start-error]
TEST(WrongConfiguration, IsRefusedByTheServer) {
  try {
    auto server = Server::Start({.command = {"redis-server", "--port", "{port}", "--no-such-option", "1"}});
    FAIL() << "it runs: " << server.tree();
  } catch (const curfew::StartError& error) {
    EXPECT_EQ(error.reason(), curfew::StartError::kDiedEarly) << error.what();
    EXPECT_THAT(error.exit_status(), curfew::HasExited(testing::Ne(0)));
    EXPECT_THAT(error.log_tail(), testing::Contains(testing::HasSubstr("no-such-option")));
  }
}
// [/start-error]

// [try-start]
TEST(WithoutExceptions, AStartIsAValue) {
  auto server = curfew::TryStart({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}});
  ASSERT_TRUE(server) << server.error().what();
  EXPECT_EQ(curfew::TcpClient(server->host(), server->port()).Exchange("PING"), "+PONG");
}
// [/try-start]

// ---- odd servers ------------------------------------------------------------------------------------------

// [slow-stop]
TEST(SlowStop, IsGivenTheTimeItNeeds) {
  auto server = Server::Start({.command = {"slow_stop", "--port", "{port}", "--stop-ms", "300"},
                               .stop = {{{SIGTERM, 20s, curfew::StopStep::To::kLeader},  // it ends its own children
                                         {SIGTERM, 5s}}}});                              // then whoever is left
  const auto stopped = server.Stop();
  EXPECT_THAT(stopped, curfew::StoppedGracefully());
  EXPECT_THAT(stopped, curfew::HasExited(0));
}
// [/slow-stop]

// [daemonises]
TEST(Daemon, IsFoundAndEndedAllTheSame) {
  auto server = Server::Start({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}", "--daemonize", "yes"},
                               .daemonizes = true});
  EXPECT_TRUE(server.running());  // the leader has ended with status 0; its daemon is the server
  EXPECT_TRUE(server.Stop().survivors.empty());
}
// [/daemonises]

// [fixed-port]
TEST(FixedPort, RunsTwiceOnOneNumber) {
  const ServerSpec spec = {.command = {"memcached", "-l", "{host}", "-p", "{port}", "-U", "0", "-u", "root"},
                           .ports = {{"", 11211}},
                           .private_address = true};  // {host} is 127.A.B.C, another one for each server
  auto one = Server::Start(spec);
  auto other = Server::Start(spec);
  EXPECT_EQ(one.port(), other.port());
  EXPECT_NE(one.host(), other.host());
}
// [/fixed-port]

// [several-ports]
TEST(SeveralPorts, HaveNames) {
  auto server = Server::Start(
      {.shell = "tcp_echo --port {port} & exec http_hello --port {port:admin}",
       .ready = Ready::All({Ready::Tcp(), Ready::Http("/health", {.port = "admin"})})});
  EXPECT_EQ(curfew::TcpClient(server.host(), server.port()).Exchange("hello"), "hello");
  EXPECT_EQ(curfew::HttpClient(server.host(), server.port("admin")).Get("/").status, 200);
}
// [/several-ports]

// [activation]
TEST(SocketActivation, HandsOverAListeningSocket) {
  auto server = Server::Start({.command = {"activated"},
                               .sockets = {curfew::ListenSocket::Tcp()},
                               .ready = Ready::Activated()});  // who connects early waits in the queue
  EXPECT_EQ(curfew::TcpClient(server.host(), server.port()).Exchange("hello"), "hello");
}
// [/activation]

// Whether this machine lets us make the namespaces that a spec asks for.
std::optional<std::string> WhyNot(const ServerSpec& spec) {
  try {
    static_cast<void>(Server::Start(spec));
  } catch (const curfew::StartError& error) {
    if (error.reason() == curfew::StartError::kCouldNotLaunch) return error.what();
  }
  return std::nullopt;
}

TEST(PrivateNetwork, Here) {
  if (const auto why = WhyNot({.command = {"tcp_echo", "--port", "{port}"}, .network = curfew::Network::Private()})) {
    GTEST_SKIP() << *why;
  }
  // [private-network]
  auto server = Server::Start({.command = {"tcp_echo", "--port", "{port}"},
                               .ports = {{"", 8080}},
                               .network = curfew::Network::Private()});  // a loopback of its own, nothing else
  const int connection = server.ConnectTcp();                           // the only way in
  EXPECT_EQ(::send(connection, "hello\n", 6, 0), 6);
  char answer[6] = {};
  EXPECT_EQ(::recv(connection, answer, sizeof answer, MSG_WAITALL), 6);
  EXPECT_EQ(std::string(answer, sizeof answer), "hello\n");
  ::close(connection);
  // [/private-network]
}

TEST(Sealed, Here) {
  if (const auto why = WhyNot({.command = {"tcp_echo", "--port", "{port}"}, .sealed = true})) GTEST_SKIP() << *why;
  // [sealed]
  auto server = Server::Start({.command = {"double_fork_daemon", "--port", "{port}"},
                               .daemonizes = true,
                               .sealed = true});  // a PID namespace: the kernel ends all of it at once
  EXPECT_GE(server.tree().size(), 1U) << server.tree();
  EXPECT_TRUE(server.Stop().survivors.empty());
  // [/sealed]
}

TEST(External, Here) {
  auto elsewhere = Server::Start(curfew::servers::Redis());
  ::setenv("CURFEW_EXTERNAL_REDIS", (elsewhere.host() + ':' + std::to_string(elsewhere.port())).c_str(), 1);
  // [external]
  // With CURFEW_EXTERNAL_REDIS=10.0.0.7:6379: a relay to that one
  auto server = Server::Start(curfew::servers::Redis());
  EXPECT_EQ(curfew::TcpClient(server.host(), server.port()).Exchange("PING"), "+PONG");
  // [/external]
  ::unsetenv("CURFEW_EXTERNAL_REDIS");
}

// ---- leaks ------------------------------------------------------------------------------------------------

// [exempt]
TEST(BuildTool, LeavesItsDaemonOnPurpose) {
  curfew::AddLeakExemptionForThisTest({.command = "sleep 5*", .reason = "the daemon is shared by all builds"});
  EXPECT_EQ(std::system("sleep 5 >/dev/null 2>&1 &"), 0);
}
// [/exempt]

}  // namespace
