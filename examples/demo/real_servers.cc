// SPDX-License-Identifier: Apache-2.0
// The main job: a test per line of intent, each on a real server of its own, nothing left behind.
#include <gtest/gtest.h>

#include <curfew/curfew.h>

#include <fstream>
#include <string>

namespace {

using namespace std::chrono_literals;
using curfew::Ready;
using curfew::ServerSpec;
using testing::HasSubstr;

// ---- redis: TCP, ready as soon as the kernel says that it listens -----------------------------------------

class Redis : public curfew::TcpServerFixture {
 protected:
  ServerSpec Spec() override {
    return {.command = {"redis-server", "--port", "{port}", "--dir", "{dir}", "--save", ""}};
  }
};

TEST_F(Redis, AnswersPing) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

TEST_F(Redis, ForgetsEverythingWhenRestarted) {
  EXPECT_EQ(client().Exchange("SET colour green"), "+OK");
  server().Restart();
  client() = Connect();
  EXPECT_EQ(client().Exchange("GET colour"), "$-1");
}

TEST_F(Redis, StopsWithinItsGrace) { EXPECT_THAT(server().Stop(), curfew::StoppedGracefully()); }

// ---- nginx: HTTP, ready when a request is answered, one server for the whole suite ------------------------

class Nginx : public curfew::SharedServerFixture<Nginx> {
 public:
  static ServerSpec Spec() {
    return {.command = {"nginx", "-e", "stderr", "-p", "{dir}", "-c", "{dir}/nginx.conf"},
            .files = {{"nginx.conf", R"(
daemon off; worker_processes 2; pid nginx.pid; error_log stderr;
events { worker_connections 64; }
http { access_log off;
       client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
       server { listen 127.0.0.1:{port}; location / { return 200 "hello from nginx\n"; } } }
)"}},
            .ready = Ready::Http("/"),
            .stop = {{{SIGQUIT, 3s, curfew::StopStep::To::kLeader}, {SIGTERM, 2s}}}};
  }
};

TEST_F(Nginx, SaysHello) {
  curfew::HttpClient http(server().host(), server().port());
  const auto response = http.Get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello from nginx\n");
}

TEST_F(Nginx, RunsAMasterAndItsWorkers) {
  // 3 processes: a kill of the master alone would leave two that go on serving the port.
  EXPECT_GE(server().tree().size(), 3U) << server().tree();
  EXPECT_THAT(server(), curfew::IsListeningOn(server().port()));
}

// ---- the classic: a shell that starts a program which never ends -------------------------------------------

class WatchDate : public curfew::ServerFixture {
 protected:
  ServerSpec Spec() override {
    return {.name = "watch",
            .shell = "watch date > date.txt",
            .env = {{"TERM", "xterm"}},
            .ready = Ready::File("date.txt")};
  }
};

TEST_F(WatchDate, LeavesNothingBehind) {
  // Killing the shell would leave `watch` running; so would killing it before `watch` has begun another `date`.
  const auto result = server().Stop();
  EXPECT_TRUE(result.survivors.empty()) << result;
  EXPECT_TRUE(server().tree().empty()) << server().tree();
}

}  // namespace
