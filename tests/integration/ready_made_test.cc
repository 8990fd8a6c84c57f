// SPDX-License-Identifier: Apache-2.0
// The ready-made specs, each on the real server. What is not installed here is skipped, and says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <curfew/curfew.h>
#include <curfew/servers.h>

namespace curfew {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ReadyMadeRedis : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return servers::Redis({.minimum_version = "6.0"}); }
};
TEST_F(ReadyMadeRedis, Pings) { EXPECT_EQ(client().Exchange("PING"), "+PONG"); }

class ReadyMadeMemcached : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return servers::Memcached(); }
};
TEST_F(ReadyMadeMemcached, TellsItsVersion) { EXPECT_THAT(client().Exchange("version"), StartsWith("VERSION ")); }

class ReadyMadePostgres : public TcpServerFixture {
 protected:
  ServerSpec Spec() override {
    return servers::Postgres({.user = "first owner", .arguments = {"-c", "max_connections=7"}});
  }
  // The protocol's first words: a request for TLS, which is answered by one letter without any client library.
  bool SpeaksPostgres() {
    using namespace std::string_literals;
    auto connection = Connect();
    connection.Send("\0\0\0\x08\x04\xd2\x16\x2f"s);
    const auto answer = connection.Receive(1);
    return answer == "N" || answer == "S";
  }
};
TEST_F(ReadyMadePostgres, Answers) { EXPECT_TRUE(SpeaksPostgres()); }
TEST_F(ReadyMadePostgres, StartsFromACopyOfTheFirst) {
  EXPECT_TRUE(SpeaksPostgres());
  client().Close();
  EXPECT_TRUE(std::filesystem::exists(server().dir() / "data/PG_VERSION"));
  server().Restart();
  EXPECT_TRUE(SpeaksPostgres());
}
TEST_F(ReadyMadePostgres, StopsGracefully) {
  client().Close();
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}
TEST(ReadyMadePostgresTest, TwoThatStartAtOnceMakeOneTemplate) {
  try {
    const auto spec = servers::Postgres({.user = "both"});
    std::vector<std::thread> threads;
    std::vector<int> started(2);
    for (int& one : started) threads.emplace_back([&] { one = Server::Start(spec).running() ? 1 : 0; });
    for (auto& thread : threads) thread.join();
    EXPECT_THAT(started, testing::Each(1));
  } catch (const Unavailable& none) {
    GTEST_SKIP() << none.what();
  }
}

class ReadyMadeMariadb : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return servers::Mariadb(); }
};
TEST_F(ReadyMadeMariadb, GreetsAlsoOnItsSecondLife) {
  EXPECT_THAT(client().Receive(60), HasSubstr("MariaDB"));
  client().Close();
  server().Restart();
  EXPECT_THAT(Connect().Receive(60), HasSubstr("MariaDB"));
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}

// Those of whoever else began with this TMPDIR: an installation that runs at the same time failed.
TEST(ReadyMadeMariadbTest, LeavesTheTemporaryTablesOfOthersAlone) {
  try {
    auto spec = servers::Mariadb();
    spec.files["shared/#sql-temptable-1-1-1.MAI"] = "another server's";
    spec.env["TMPDIR"] = "{dir}/shared";
    const auto server = Server::Start(spec);
    EXPECT_TRUE(std::filesystem::exists(server.dir() / "shared/#sql-temptable-1-1-1.MAI"));
  } catch (const Unavailable& none) {
    GTEST_SKIP() << none.what();
  }
}

class ReadyMadeNginx : public HttpServerFixture {
 protected:
  ServerSpec Spec() override {
    auto spec = servers::Nginx("location = /hello { return 200 \"hello\"; } location /files { }");
    spec.files["index.txt"] = "from a file";
    return spec;
  }
};
TEST_F(ReadyMadeNginx, ServesWhatItIsTold) {
  EXPECT_EQ(client().Get("/hello").body, "hello");
  EXPECT_EQ(client().Get("/index.txt").body, "from a file");
}
TEST_F(ReadyMadeNginx, StopsGracefully) { EXPECT_THAT(server().Stop(), StoppedGracefully()); }

class ReadyMadeMosquitto : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { return servers::Mosquitto(); }
};
TEST_F(ReadyMadeMosquitto, AcceptsAConnection) {
  using namespace std::string_literals;
  client().Send("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x"s);  // CONNECT of client "x"
  EXPECT_EQ(client().Receive(4), "\x20\x02\x00\x00"s);              // CONNACK, accepted
  client().Close();
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}

class ReadyMadeSquid : public TcpServerFixture {
 protected:
  std::string Ask(const std::string& url) {
    auto connection = Connect();
    connection.Send("GET " + url + " HTTP/1.0\r\n\r\n");
    return connection.ReceiveUntilClosed();
  }
  ServerSpec Spec() override {
    return servers::Squid("acl forbidden urlpath_regex ^/forbidden\nhttp_access deny forbidden");
  }
};
TEST_F(ReadyMadeSquid, PassesRequestsOnAndDeniesWhatItIsTold) {
  try {
    const auto origin = Server::Start(servers::Nginx("location / { return 200 \"from the origin\"; }"));
    EXPECT_THAT(Ask(origin.url("/hello")), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("from the origin")));
    EXPECT_THAT(Ask(origin.url("/forbidden")), StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(server().Stop(), StoppedGracefully());
  } catch (const Unavailable& none) {
    GTEST_SKIP() << none.what();
  }
}

class ReadyMadeAzurite : public HttpServerFixture {
 protected:
  ServerSpec Spec() override { return servers::Azurite(); }
};
TEST_F(ReadyMadeAzurite, AnswersAndStopsGracefully) {
  EXPECT_THAT(client().Get("/").header("Server"), StartsWith("Azurite"));
  EXPECT_THAT(server().Stop(), StoppedGracefully());
}

// ---- versions ------------------------------------------------------------------------------------------------

struct Product {
  const char* name;
  ServerSpec (*spec)(const std::string& minimum_version);
};
void PrintTo(const Product& product, std::ostream* out) { *out << product.name; }

class EveryProduct : public testing::TestWithParam<Product> {};

TEST_P(EveryProduct, TellsItsVersion) {
  try {
    static_cast<void>(GetParam().spec(""));
  } catch (const Unavailable& none) {
    GTEST_SKIP() << none.what();
  }
  EXPECT_NO_THROW(static_cast<void>(GetParam().spec("0.1")));
  try {
    static_cast<void>(GetParam().spec("9999"));
    FAIL() << "there is no version 9999 of " << GetParam().name;
  } catch (const std::runtime_error& old) {  // Unavailable, or StartError with CURFEW_REQUIRE
    EXPECT_THAT(old.what(), testing::ContainsRegex("is version [0-9]+\\.[0-9.]+; wanted is 9999 or later"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    ReadyMade, EveryProduct,
    testing::Values(
        Product{"redis", [](const std::string& v) { return servers::Redis({.minimum_version = v}); }},
        Product{"memcached", [](const std::string& v) { return servers::Memcached({.minimum_version = v}); }},
        Product{"postgres", [](const std::string& v) { return servers::Postgres({.minimum_version = v}); }},
        Product{"mariadb", [](const std::string& v) { return servers::Mariadb({.minimum_version = v}); }},
        Product{"nginx", [](const std::string& v) { return servers::Nginx("", {.minimum_version = v}); }},
        Product{"mosquitto", [](const std::string& v) { return servers::Mosquitto({.minimum_version = v}); }},
        Product{"squid", [](const std::string& v) { return servers::Squid("", {.minimum_version = v}); }},
        Product{"azurite", [](const std::string& v) { return servers::Azurite({.minimum_version = v}); }}),
    [](const auto& product) { return std::string(product.param.name); });

// ---- servers that run elsewhere ------------------------------------------------------------------------------

class ExternalRedis : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("CURFEW_EXTERNAL_REDIS"); }
};

TEST_F(ExternalRedis, IsUsedThroughTheRelayAndOutlivesIt) {
  try {
    auto elsewhere = Server::Start(servers::Redis());
    ::setenv("CURFEW_EXTERNAL_REDIS", ("127.0.0.1:" + std::to_string(elsewhere.port())).c_str(), 1);
    auto relay = Server::Start(servers::Redis());
    EXPECT_NE(relay.port(), elsewhere.port());
    EXPECT_EQ(TcpClient(relay.host(), relay.port()).Exchange("SET colour green"), "+OK");
    relay.Crash();
    relay.Restart();
    EXPECT_EQ(TcpClient(relay.host(), relay.port()).Exchange("STRLEN colour"), ":5");
    relay.Stop();
    EXPECT_EQ(TcpClient(elsewhere.host(), elsewhere.port()).Exchange("STRLEN colour"), ":5");
  } catch (const Unavailable& none) {
    GTEST_SKIP() << none.what();
  }
}

TEST_F(ExternalRedis, ThatIsNotThereIsNamed) {
  ::setenv("CURFEW_EXTERNAL_REDIS", "127.0.0.1:1", 1);
  try {
    static_cast<void>(Server::Start(servers::Redis()));
    FAIL() << "nobody listens on port 1";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kDiedEarly);
    EXPECT_THAT(error.what(), HasSubstr("cannot reach 127.0.0.1:1"));
  }
}

// ---- what is not there ---------------------------------------------------------------------------------------

class Absent : public TcpServerFixture {
 protected:
  ServerSpec Spec() override { throw Unavailable("NOT TESTED: there is no such server"); }
};
TEST_F(Absent, IsSkippedBeforeItsBody) { FAIL() << "the body was run"; }

class AbsentShared : public SharedServerFixture<AbsentShared> {
 public:
  static ServerSpec Spec() { throw Unavailable("NOT TESTED: there is no such server"); }
};
TEST_F(AbsentShared, IsSkippedBeforeItsBody) { FAIL() << "the body was run"; }
TEST_F(AbsentShared, IsSkippedEachTime) { FAIL() << "the body was run"; }

}  // namespace
}  // namespace curfew
