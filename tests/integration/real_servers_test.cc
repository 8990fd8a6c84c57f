// SPDX-License-Identifier: Apache-2.0
// Real servers from Debian, as their users start them. Each is used, restarted, and stopped with nothing left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <curfew/curfew.h>

namespace curfew {
namespace {

// Debian keeps some servers out of an ordinary user's PATH.
std::string Find(const std::string& program, const std::vector<std::string>& more = {}) {
  std::vector<std::string> places = {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"};
  places.insert(places.end(), more.begin(), more.end());
  for (const auto& place : places) {
    if (::access((place + program).c_str(), X_OK) == 0) return place + program;
  }
  return program;  // the start will say where it was looked for
}

// ---- redis -----------------------------------------------------------------------------------------------

class Redis : public TcpServerFixture {
 protected:
  ServerSpec Spec() override {
    // It listens before it has read its data, and answers -LOADING until it has.
    return {.command = {Find("redis-server"), "--port", "{port}", "--dir", "{dir}", "--appendonly", "yes"},
            .ready = Ready::All({Ready::Tcp(), Ready::Log("Ready to accept connections")})};
  }
};

TEST_F(Redis, Pings) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

TEST_F(Redis, KeepsItsDataThroughARestart) {
  EXPECT_EQ(client().Exchange("SET colour green"), "+OK");
  server().Restart();
  client() = Connect();
  EXPECT_EQ(client().Exchange("GET colour"), "$5");
}

TEST_F(Redis, SurvivesACrashWithWhatItHadWritten) {
  client().Exchange("CONFIG SET appendfsync always");
  EXPECT_EQ(client().Exchange("SET colour green"), "+OK");
  server().Crash();
  server().Restart();
  client() = Connect();
  EXPECT_EQ(client().Exchange("GET colour"), "$5");
}

// Ready at the first of its two addresses, it is stopped while it listens on the second, where the kernel tells of that.
// A handler without SA_RESTART, as redis has it, would let the signal interrupt the call.
TEST(RedisTest, StopDoesNotInterruptItsSecondListen) {
  for (int i = 0; i < 40; ++i) {
    auto server = Server::Start({.command = {Find("redis-server"), "--port", "{port}", "--dir", "{dir}", "--save", ""}});
    static_cast<void>(server.Stop());
    ASSERT_EQ(server.WaitExit(10s), ExitStatus::Exited(0)) << "in start " << i << '\n' << server.log().Text();
  }
}

TEST_F(Redis, StopsGracefully) {
  client().Close();
  EXPECT_THAT(server().Stop(), StoppedGracefully());
  EXPECT_THAT(server(), HasLogLine("bye bye"));
}

TEST(RedisTest, ThatDaemonisesIsContainedAllTheSame) {
  auto server =
      Server::Start({.command = {Find("redis-server"), "--port", "{port}", "--dir", "{dir}", "--daemonize", "yes"},
                     .daemonizes = true});
  EXPECT_EQ(TcpClient(server.host(), server.port()).Exchange("PING"), "+PONG");
  const auto result = server.Stop();
  EXPECT_THAT(result, StoppedGracefully());
  EXPECT_TRUE(server.tree().empty());
}

// ---- nginx -----------------------------------------------------------------------------------------------

constexpr const char* kNginxConf = R"(
daemon off; worker_processes 2; pid nginx.pid; error_log stderr notice;
events { worker_connections 64; }
http { access_log off;
       client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
       server { listen 127.0.0.1:{port};
                location / { return 200 "hello"; }
                location = /missing { return 404; } } }
)";

class Nginx : public SharedServerFixture<Nginx> {
 public:
  static ServerSpec Spec() {
    return {.command = {Find("nginx"), "-e", "stderr", "-p", "{dir}", "-c", "{dir}/nginx.conf"},
            .files = {{"nginx.conf", kNginxConf}},
            .ready = Ready::Http("/")};
  }
  HttpClient client() { return {server().host(), server().port()}; }
};

TEST_F(Nginx, SaysHello) { EXPECT_EQ(client().Get("/").body, "hello"); }
TEST_F(Nginx, KnowsWhatItHasNot) { EXPECT_EQ(client().Get("/missing").status, 404); }
TEST_F(Nginx, HasWorkers) { EXPECT_GE(server().tree().size(), 3U) << server().tree(); }

TEST(NginxTest, WorkersDoNotOutliveAKilledMaster) {
  auto server = Server::Start(Nginx::Spec());
  server.Signal(SIGKILL);
  EXPECT_THAT(server.WaitExit(30s), WasKilledBy(SIGKILL));
  // The workers go on serving the port without their master: that is what a kill of the pid leaves behind.
  server.Stop();
  EXPECT_TRUE(server.tree().empty()) << server.tree();
}

TEST(NginxTest, StopsGracefullyOnQuit) {
  auto spec = Nginx::Spec();
  spec.stop = {{{SIGQUIT, 10s, StopStep::To::kLeader}}};
  auto server = Server::Start(std::move(spec));
  EXPECT_THAT(server.Stop(), StoppedGracefully());
}

// ---- memcached ---------------------------------------------------------------------------------------------

class Memcached : public TcpServerFixture {
 protected:
  ServerSpec Spec() override {
    return {.command = {Find("memcached"), "-l", "{host}", "-p", "{port}", "-U", "0", "-u", UserName()}};
  }
  static std::string UserName() { return ::getpwuid(::geteuid())->pw_name; }
};

TEST_F(Memcached, TellsItsVersion) { EXPECT_THAT(client().Exchange("version"), testing::StartsWith("VERSION ")); }

TEST_F(Memcached, ReportsThePidWeKnow) {
  // The server's own word on who answers on the port.
  EXPECT_EQ(client().Exchange("stats"), "STAT pid " + std::to_string(server().pid()));
}

// ---- postgres: run as an unprivileged user; each of its backends makes a session of its own --------------------

class Postgres : public SharedServerFixture<Postgres> {
 public:
  static std::string Bin(const std::string& program) {
    std::vector<std::string> places;
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      places.push_back(version.path().string() + "/bin/");
    }
    return Find(program, places);
  }
  static ServerSpec Spec() {
    // initdb and postgres refuse to run as root.
    const std::string as_user = ::geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : "";
    const std::string own = ::geteuid() == 0 ? "mkdir data && chown postgres data && " : "";
    return {.name = "postgres",
            .shell = own + as_user + Bin("initdb") + " -D {dir}/data -A trust -U curfew --no-sync >/dev/null && exec " +
                     as_user + Bin("postgres") + " -D {dir}/data -p {port} -h 127.0.0.1 -k '' -F",
            .ready = Ready::All({Ready::Tcp(), Ready::Log("ready to accept connections")}),
            .ready_timeout = 120s,
            // "Fast" shutdown; the postmaster ends its own children in the right order.
            .stop = {{{SIGINT, 20s, StopStep::To::kLeader}}}};
  }
  std::string Query(const std::string& sql) {
    const std::string out = (server().dir() / "answer").string();
    const std::string command = Bin("psql") + " -h 127.0.0.1 -p " + std::to_string(server().port()) +
                                " -U curfew -d postgres -Atc \"" + sql + "\" >" + out + " 2>&1";
    static_cast<void>(std::system(command.c_str()));
    const auto lines = Log(out).Tail(1);
    return lines.empty() ? "" : lines.front();
  }
};

TEST_F(Postgres, Answers) { EXPECT_EQ(Query("select 6 * 7"), "42"); }

TEST_F(Postgres, HasBackendsInSessionsOfTheirOwn) {
  const auto tree = server().tree();
  bool own_session = false;
  for (const auto& process : tree.processes)
    own_session |= process.pid != server().pid() && process.session == process.pid;
  EXPECT_TRUE(own_session) << tree;
}

TEST(PostgresTest, StopsGracefullyWithNothingLeft) {
  auto server = Server::Start(Postgres::Spec());
  EXPECT_GE(server.tree().size(), 4U);
  const auto result = server.Stop();
  EXPECT_THAT(result, StoppedGracefully());
  EXPECT_TRUE(server.tree().empty()) << server.tree();
}

TEST(PostgresTest, LeavesNoBackendWhenItsPostmasterIsKilled) {
  auto server = Server::Start(Postgres::Spec());
  server.Crash();
  EXPECT_TRUE(server.tree().empty()) << server.tree();
}

}  // namespace
}  // namespace curfew
