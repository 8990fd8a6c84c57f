// SPDX-License-Identifier: Apache-2.0
// The examples in comments of the public headers, one namespace each. scripts/docs/snippets.py looks for each of them
// in here, without regard to spaces, line breaks and comments.
#include <curfew/curfew.h>
#include <curfew/grpc.h>
#include <curfew/servers.h>
#include <curfew/try_start.h>

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>

#include "samples_in_path.h"

namespace {

using namespace std::chrono_literals;
using curfew::HttpClient;
using curfew::Port;
using curfew::Ready;
using curfew::ServerSpec;
using curfew::TcpClient;

// What the reader of an example has of their own.
std::string Ping(const std::string& host, std::uint16_t port) {
  return TcpClient(host, port).Exchange("PING").substr(1);
}
void Connect(const std::string& host, std::uint16_t port) { EXPECT_EQ(Ping(host, port), "PONG"); }
std::string Fetch(const std::string& url) {
  const auto colon = url.rfind(':');
  return HttpClient("127.0.0.1", static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)))).Get("/").body;
}

// A template that nobody instantiates: compiled, and no library of the component is needed. grpc_health_test runs the
// like.
template <class = void>
void GrpcHealthExample(ServerSpec& spec) {
  spec.ready = curfew::GrpcHealth();
  spec.ready = curfew::GrpcHealth("shop.Cart", {.port = "api"});
}

// ---- server.h, try_start.h, ignore_leaks.h, test_timeout.h ------------------------------------------------

TEST(ServerHeader, Example) {
  auto redis = curfew::Server::Start({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}});
  Connect(redis.host(), redis.port());
}

TEST(TryStartHeader, Example) {
  auto server = curfew::TryStart({.command = {"redis-server", "--port", "{port}"}});
  ASSERT_TRUE(server) << server.error().what();
  Connect(server->host(), server->port());
}

TEST(IgnoreLeaksHeader, Example) {
  curfew::AddLeakExemption({.command = "*GradleDaemon*", .reason = "shared by every build of this machine"});
}

// ---- spec.h, port.h, ready.h, stop.h: data alone ----------------------------------------------------------

TEST(SpecHeaders, Examples) {
  const auto redis =
      ServerSpec{.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}};
  EXPECT_EQ(redis.command.size(), 5U);

  ServerSpec{.command = {"server", "--listen", "127.0.0.1:0"}, .ports = {{"", Port::Discover()}}};
  ServerSpec{.command = {"server", "--listen", "{port}"}, .ports = {{"", 8080}}};

  ServerSpec spec;
  spec.ready = Ready::Http("/health");
  spec.ready = Ready::All({Ready::Tcp(), Ready::Log("ready to accept connections")});
  spec.ready = Ready::StaysReady(Ready::Http("/health", {.status = {200}}), 500ms);
  EXPECT_EQ(spec.ready.kind(), Ready::Kind::kStaysReady);
  spec.ready =
      Ready::Https("/health", {.ca_file = "{dir}/ca.pem"})
      ;
  spec.ready =
      Ready::Command({"pg_isready", "-h", "{host}", "-p", "{port}"})
      ;
  const ServerSpec notifies =
      {.command = {"server", "--notify-fd", "{notify_fd}"}, .ready = Ready::NotifyFd()}
      ;
  EXPECT_EQ(notifies.ready.kind(), Ready::Kind::kNotifyFd);
  spec.stop = {{{SIGINT, 2s}, {SIGTERM, 2s}}};
  EXPECT_EQ(spec.stop.steps.size(), 2U);
}

// ---- fixtures ---------------------------------------------------------------------------------------------

namespace servers_header {
class Kv : public curfew::TcpServerFixture {
  curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
};
TEST_F(Kv, Example) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }
}  // namespace servers_header

class RedisTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    return {.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}};
  }
};
TEST_F(RedisTest, Pings) { EXPECT_EQ(Ping(server().host(), server().port()), "PONG"); }

constexpr const char* kConfig = R"(daemon off; pid {dir}/nginx.pid; error_log stderr; events {}
http { access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
       uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
       server { listen 127.0.0.1:{port}; location / { return 200 "hello"; } } })";

class NginxTest : public curfew::SharedServerFixture<NginxTest> {
 public:
  static curfew::ServerSpec Spec() {
    return {.command = {"nginx", "-c", "{dir}/nginx.conf"}, .files = {{"nginx.conf", kConfig}}};
  }
};
TEST_F(NginxTest, Serves) { EXPECT_EQ(Fetch(server().url("/")), "hello"); }

class EchoTest : public curfew::TcpServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return {.command = {"./echo", "{port}"}}; }
};
TEST_F(EchoTest, Echoes) { EXPECT_EQ(client().Exchange("hello"), "hello"); }

class ApiTest : public curfew::HttpServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    return {.command = {"./api", "--port={port}"}, .ready = curfew::Ready::Http("/health")};
  }
};
TEST_F(ApiTest, Greets) { EXPECT_EQ(client().Get("/hello").body, "hello"); }

TEST_F(ApiTest, HttpClientExample) {
  HttpClient client(server().host(), server().port());
  EXPECT_EQ(client.Get("/health").status, 200);
  client.Request("POST", "/items", R"({"name": "x"})", {{"Content-Type", "application/json"}});
}

TEST_F(RedisTest, TcpClientExample) {
  TcpClient client(server().host(), server().port());
  EXPECT_EQ(client.Exchange("PING\r"), "+PONG");
}

using Import = RedisTest;
TEST_F(Import, TakesItsTime) {
  curfew::SetTestTimeout(5min);
  EXPECT_EQ(Ping(server().host(), server().port()), "PONG");
}

// ---- matchers.h -------------------------------------------------------------------------------------------

using curfew::HasExited;
using curfew::HasLogLine;
using curfew::IsReady;
using curfew::StoppedGracefully;

TEST_F(RedisTest, MatchersExample) {
  EXPECT_THAT(server(), IsReady());
  EXPECT_THAT(server().Stop(), StoppedGracefully());
  EXPECT_THAT(server().WaitExit(5s), HasExited(0));
  EXPECT_THAT(server(), testing::Not(HasLogLine("ERROR|FATAL")));
}

// The examples' own programs, ./echo and ./api, stand there.
const bool kInPlace = ::chdir(CURFEW_DOCS_PROGRAMS) == 0;

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  curfew::Init(&argc, argv);
  return RUN_ALL_TESTS();
}
