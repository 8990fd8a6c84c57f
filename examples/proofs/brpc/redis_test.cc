// SPDX-License-Identifier: Apache-2.0
// What brpc's redis client is tested for, on hiredis: brpc forks redis-server on port 6479, and sleeps 50 ms.
#include <hiredis/hiredis.h>

#include <cstdarg>
#include <memory>
#include <string>

#include <curfew/curfew.h>
#include <curfew/servers.h>

namespace {

// ---- fixture ----
class RedisTest : public curfew::SharedServerFixture<RedisTest> {
 public:
  static curfew::ServerSpec Spec() { return curfew::servers::Redis({.arguments = {"--appendonly", "yes"}}); }
};

class RedisWithPasswordTest : public curfew::ServerFixture {
  curfew::ServerSpec Spec() override {
    return curfew::servers::Redis({.arguments = {"--requirepass", "my_redis"}});
  }
};
// ---- end of fixture ----

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, Free>;

class Client {
 public:
  explicit Client(const curfew::Server& server)
      : context_(redisConnect(server.host().c_str(), server.port())) {
    if (context_ == nullptr || context_->err != 0)
      throw std::runtime_error(context_ ? context_->errstr : "no memory");
  }

  Reply Do(const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    Reply reply(static_cast<redisReply*>(redisvCommand(context_.get(), format, arguments)));
    va_end(arguments);
    return reply;
  }
  Reply Next() {
    void* reply = nullptr;
    redisGetReply(context_.get(), &reply);
    return Reply(static_cast<redisReply*>(reply));
  }
  redisContext* get() { return context_.get(); }

 private:
  std::unique_ptr<redisContext, Free> context_;
};

std::string Text(const Reply& reply) {
  if (reply == nullptr) return "(no reply)";
  if (reply->type == REDIS_REPLY_INTEGER) return std::to_string(reply->integer);
  if (reply->type == REDIS_REPLY_NIL) return "(nil)";
  return {reply->str, reply->len};
}

TEST_F(RedisTest, SetsAndGets) {
  Client client(server());
  EXPECT_EQ(Text(client.Do("GET hello")), "(nil)");
  EXPECT_EQ(Text(client.Do("SET hello world")), "OK");
  EXPECT_EQ(Text(client.Do("GET hello")), "world");
  EXPECT_EQ(Text(client.Do("SET hello world2")), "OK");
  EXPECT_EQ(Text(client.Do("GET hello")), "world2");
  EXPECT_EQ(Text(client.Do("DEL hello")), "1");
}

TEST_F(RedisTest, KeysMayHaveBlanks) {
  Client client(server());
  EXPECT_EQ(Text(client.Do("SET %s %s", " hello world ", "he1 he2")), "OK");
  EXPECT_EQ(Text(client.Do("GET %s", " hello world ")), "he1 he2");
  EXPECT_EQ(Text(client.Do("GET %s", "hello world")), "(nil)");
}

TEST_F(RedisTest, ValuesAreBytes) {
  Client client(server());
  const std::string bytes("\0\r\n$-1\r\n\xff", 9);
  EXPECT_EQ(Text(client.Do("SET bytes %b", bytes.data(), bytes.size())), "OK");
  EXPECT_EQ(Text(client.Do("GET bytes")), bytes);
}

TEST_F(RedisTest, CountsUpAndDown) {
  Client client(server());
  EXPECT_EQ(Text(client.Do("INCR counter")), "1");
  EXPECT_EQ(Text(client.Do("DECR counter")), "0");
  EXPECT_EQ(Text(client.Do("INCRBY counter 10")), "10");
  EXPECT_EQ(Text(client.Do("DECRBY counter 20")), "-10");
}

TEST_F(RedisTest, PipelinedRepliesComeInOrder) {
  Client client(server());
  for (int i = 0; i < 500; ++i) redisAppendCommand(client.get(), "SET pipelined:%d %d", i, i * i);
  for (int i = 0; i < 500; ++i) redisAppendCommand(client.get(), "GET pipelined:%d", i);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Text(client.Next()), "OK");
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Text(client.Next()), std::to_string(i * i));
}

// A server that is fixed to one port cannot do this, and one that is fixed to "dump.rdb" would lose the data.
TEST_F(RedisTest, AClientConnectsAgainAfterACrash) {
  Client client(server());
  client.Do("CONFIG SET appendfsync always");
  EXPECT_EQ(Text(client.Do("SET kept yes")), "OK");
  server().Crash();
  EXPECT_EQ(Text(client.Do("GET kept")), "(no reply)");
  server().Restart();
  ASSERT_EQ(redisReconnect(client.get()), REDIS_OK);
  EXPECT_EQ(Text(client.Do("GET kept")), "yes");
}

TEST_F(RedisWithPasswordTest, LetsInWhoKnowsIt) {
  Client client(server());
  EXPECT_EQ(Text(client.Do("SET a 1")), "NOAUTH Authentication required.");
  EXPECT_EQ(Text(client.Do("AUTH wrong")).substr(0, 9), "WRONGPASS");
  EXPECT_EQ(Text(client.Do("AUTH my_redis")), "OK");
  EXPECT_EQ(Text(client.Do("SET a 1")), "OK");
}

}  // namespace
