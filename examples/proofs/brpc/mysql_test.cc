// SPDX-License-Identifier: Apache-2.0
// What brpc's MySQL client is tested for, on libmariadb: five files of brpc each hold the same start of a
// mysqld on port 13306, which initialises a data directory, polls every 100 ms and, when that fails, skips
// the tests.
#include <mysql.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <curfew/curfew.h>
#include <curfew/servers.h>

namespace {

// ---- fixture ----
class MysqlTest : public curfew::SharedServerFixture<MysqlTest> {
 public:
  // What is committed reaches the kernel: it has to survive the crash of the server, not of the machine.
  static curfew::ServerSpec Spec() {
    return curfew::servers::Mariadb({.arguments = {"--innodb-flush-log-at-trx-commit=2"}});
  }
};
// ---- end of fixture ----

class Client {
 public:
  explicit Client(const curfew::Server& server) : mysql_(mysql_init(nullptr), &mysql_close) {
    if (mysql_real_connect(get(), server.host().c_str(), "root", "", nullptr, server.port(), nullptr, 0) ==
        nullptr) {
      throw std::runtime_error(mysql_error(get()));
    }
  }
  MYSQL* get() { return mysql_.get(); }

  // Rows joined by ';', columns by ','. NULL is "null". An error is its text.
  std::string Do(const std::string& statement) {
    if (mysql_query(get(), statement.c_str()) != 0) return mysql_error(get());
    const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(mysql_store_result(get()),
                                                                          &mysql_free_result);
    std::string text;
    if (result == nullptr) return text;
    while (MYSQL_ROW row = mysql_fetch_row(result.get())) {
      if (!text.empty()) text += ';';
      for (unsigned i = 0; i < mysql_num_fields(result.get()); ++i) {
        text += (i == 0 ? "" : ",") + std::string(row[i] != nullptr ? row[i] : "null");
      }
    }
    return text;
  }

 private:
  std::unique_ptr<MYSQL, decltype(&mysql_close)> mysql_;
};

// A database of the test's own, so that tests which share the server do not meet. The client uses it.
void UseFreshDatabase(Client& client) {
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  ASSERT_EQ(client.Do("CREATE DATABASE " + name), "");
  ASSERT_EQ(client.Do("USE " + name), "");
}

Client AnotherClient(const curfew::Server& server) {
  Client client(server);
  client.Do(std::string("USE ") + testing::UnitTest::GetInstance()->current_test_info()->name());
  return client;
}

TEST_F(MysqlTest, AnswersAQuery) {
  EXPECT_EQ(Client(server()).Do("SELECT 1 + 1, NULL, 'text'"), "2,null,text");
  EXPECT_EQ(Client(server()).Do("SELECT @@port"),
            std::to_string(server().port()));  // it is ours that answers
}

TEST_F(MysqlTest, SaysWhatIsWrongWithAStatement) {
  Client client(server());
  EXPECT_THAT(client.Do("SELEKT 1"), testing::HasSubstr("You have an error in your SQL syntax"));
  EXPECT_EQ(client.Do("SELECT 1"), "1");  // the connection is still good
}

TEST_F(MysqlTest, ExecutesAPreparedStatementAgainAndAgain) {
  Client client(server());
  const std::unique_ptr<MYSQL_STMT, decltype(&mysql_stmt_close)> statement(mysql_stmt_init(client.get()),
                                                                           &mysql_stmt_close);
  const std::string text = "SELECT ? * 2";
  ASSERT_EQ(mysql_stmt_prepare(statement.get(), text.data(), text.size()), 0)
      << mysql_stmt_error(statement.get());
  ASSERT_EQ(mysql_stmt_param_count(statement.get()), 1U);
  for (int input = -3; input <= 3; ++input) {
    int output = 0;
    MYSQL_BIND in{};
    in.buffer_type = MYSQL_TYPE_LONG;
    in.buffer = &input;
    MYSQL_BIND out{};
    out.buffer_type = MYSQL_TYPE_LONG;
    out.buffer = &output;
    ASSERT_EQ(mysql_stmt_bind_param(statement.get(), &in), 0);
    ASSERT_EQ(mysql_stmt_execute(statement.get()), 0) << mysql_stmt_error(statement.get());
    ASSERT_EQ(mysql_stmt_bind_result(statement.get(), &out), 0);
    ASSERT_EQ(mysql_stmt_fetch(statement.get()), 0);
    EXPECT_EQ(output, input * 2);
    mysql_stmt_free_result(statement.get());
  }
}

TEST_F(MysqlTest, CommitPublishesAndRollbackRestores) {
  Client client(server());
  UseFreshDatabase(client);
  auto other = AnotherClient(server());
  client.Do("CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
  client.Do("START TRANSACTION");
  client.Do("INSERT INTO t VALUES (1)");
  EXPECT_EQ(client.Do("SELECT n FROM t"), "1");  // its own write
  EXPECT_EQ(other.Do("SELECT n FROM t"), "");    // not yet anybody else's
  client.Do("COMMIT");
  EXPECT_EQ(other.Do("SELECT n FROM t"), "1");
  client.Do("START TRANSACTION");
  client.Do("DELETE FROM t");
  client.Do("ROLLBACK");
  EXPECT_EQ(client.Do("SELECT n FROM t"), "1");
}

TEST_F(MysqlTest, SavepointsUndoAPart) {
  Client client(server());
  UseFreshDatabase(client);
  client.Do("CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
  client.Do("START TRANSACTION");
  client.Do("INSERT INTO t VALUES (1), (2)");
  client.Do("SAVEPOINT here");
  client.Do("INSERT INTO t VALUES (3)");
  client.Do("ROLLBACK TO SAVEPOINT here");
  client.Do("COMMIT");
  EXPECT_EQ(client.Do("SELECT n FROM t ORDER BY n"), "1;2");
  EXPECT_THAT(client.Do("INSERT INTO t VALUES (1)"), testing::HasSubstr("Duplicate entry"));
}

TEST_F(MysqlTest, ServesManyConnectionsAtOnce) {
  Client client(server());
  UseFreshDatabase(client);
  client.Do("CREATE TABLE t (n INT) ENGINE=InnoDB");
  client.Do("INSERT INTO t VALUES (0)");
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(AnotherClient(server()));
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (auto& worker : clients) {
    threads.emplace_back([&worker, &failed] {
      for (int i = 0; i < 25; ++i) failed += worker.Do("UPDATE t SET n = n + 1").empty() ? 0 : 1;
      mysql_thread_end();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(client.Do("SELECT n FROM t"), "100");
}

TEST_F(MysqlTest, AfterACrashWhatWasCommittedIsThereAndNothingElse) {
  Client client(server());
  UseFreshDatabase(client);
  client.Do("CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB");
  client.Do("INSERT INTO t VALUES (1)");
  client.Do("START TRANSACTION");
  client.Do("INSERT INTO t VALUES (2)");
  server().Crash();
  EXPECT_THAT(client.Do("COMMIT"), testing::HasSubstr("ost connection"));
  server().Restart();
  EXPECT_EQ(AnotherClient(server()).Do("SELECT n FROM t"), "1");
}

}  // namespace
