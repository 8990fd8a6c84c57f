// SPDX-License-Identifier: Apache-2.0
// Kudu's MiniPostgres: initdb for each server, a random port written into a file, lsof in a loop until it is
// bound, then pg_isready in a loop, a process for each user and database that is made, and a stop of the
// postmaster alone.
#include <future>
#include <pqxx/pqxx>
#include <string>
#include <thread>

#include <curfew/curfew.h>
#include <curfew/servers.h>

// libpqxx 6.4 forgets the result of a statement whose connection breaks, which two of these tests are about.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): its name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpqxx-6.4";
}

namespace {

// ---- fixture ----
class PostgresTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override { return curfew::servers::Postgres({.user = "kudu"}); }

  std::string Address(const std::string& user = "kudu", const std::string& database = "postgres") {
    return "host=" + server().host() + " port=" + std::to_string(server().port()) + " user=" + user +
           " dbname=" + database;
  }
  void Do(const std::string& statement) {
    pqxx::connection connection(Address());
    pqxx::nontransaction(connection).exec(statement);
  }
};
// ---- end of fixture ----

std::string Ask(pqxx::connection& connection, const std::string& query) {
  return pqxx::nontransaction(connection).exec1(query)[0].as<std::string>();
}

TEST_F(PostgresTest, AddsAUser) {
  Do("CREATE ROLE testuser LOGIN");
  pqxx::connection connection(Address("testuser"));
  EXPECT_EQ(Ask(connection, "SELECT current_user"), "testuser");
}

TEST_F(PostgresTest, MakesNoDatabaseForAUserWhoIsNot) {
  EXPECT_THROW(Do("CREATE DATABASE testdb OWNER nonexistentuser"), pqxx::sql_error);
}

TEST_F(PostgresTest, HasItsDatabasesAfterARestart) {
  Do("CREATE ROLE testuser LOGIN");
  Do("CREATE DATABASE testdb1 OWNER testuser");
  EXPECT_THAT(server().Stop(), curfew::StoppedGracefully());
  server().Restart();  // same port, same data; its readiness is that of the first start
  Do("CREATE DATABASE testdb2 OWNER testuser");
  EXPECT_THROW(Do("CREATE DATABASE testdb1 OWNER testuser"), pqxx::sql_error);
  pqxx::connection connection(Address("testuser", "testdb1"));
  EXPECT_EQ(Ask(connection, "SELECT current_database()"), "testdb1");
}

TEST_F(PostgresTest, RecoversFromACrashWhatWasCommitted) {
  Do("CREATE TABLE t (n INT)");
  pqxx::connection connection(Address());
  pqxx::work committed(connection);
  committed.exec("INSERT INTO t VALUES (1)");
  committed.commit();
  pqxx::work lost(connection);
  lost.exec("INSERT INTO t VALUES (2)");
  server().Crash();
  EXPECT_THROW(lost.commit(), std::exception);
  server().Restart();
  pqxx::connection again(Address());
  EXPECT_EQ(Ask(again, "SELECT string_agg(n::text, ',') FROM t"), "1");
}

// Each backend is the leader of a session of its own: a kill of the postmaster's group does not reach it, and
// one that computes does not notice that its client and its postmaster are gone.
TEST_F(PostgresTest, LeavesNoBusyBackendBehind) {
  pqxx::connection connection(Address());
  const auto backend = Ask(connection, "SELECT pg_backend_pid()");
  auto busy = std::async(std::launch::async, [&connection] {
    EXPECT_THROW(Ask(connection, "SELECT count(*) FROM generate_series(1, 1000000000000)"), std::exception);
  });
  pqxx::connection watcher(Address());
  while (Ask(watcher, "SELECT state = 'active' FROM pg_stat_activity WHERE pid = " + backend) != "t") {
    std::this_thread::yield();
  }
  server().Crash();
  EXPECT_TRUE(server().tree().empty()) << server().tree();
  busy.get();
}

}  // namespace
