// SPDX-License-Identifier: Apache-2.0
// What brpc's memcache client is tested for, on libmemcached: brpc forks memcached on port 11211, the one
// that is most likely to be somebody else's, and sleeps 50 ms.
#include <libmemcached/memcached.h>

#include <cstdlib>
#include <memory>
#include <string>

#include <curfew/curfew.h>
#include <curfew/servers.h>

namespace {

// ---- fixture ----
class MemcacheTest : public curfew::SharedServerFixture<MemcacheTest> {
 public:
  static curfew::ServerSpec Spec() { return curfew::servers::Memcached(); }
};
// ---- end of fixture ----

class Client {
 public:
  explicit Client(const curfew::Server& server) : memc_(memcached_create(nullptr), &memcached_free) {
    memcached_server_add(get(), server.host().c_str(), server.port());
    memcached_behavior_set(get(), MEMCACHED_BEHAVIOR_BINARY_PROTOCOL,
                           1);  // incr with an initial value needs it
    memcached_behavior_set(get(), MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
  }
  memcached_st* get() { return memc_.get(); }

  memcached_return_t Set(const std::string& key, const std::string& value, time_t expires = 0) {
    return memcached_set(get(), key.data(), key.size(), value.data(), value.size(), expires, 0);
  }
  // The value, or what the library calls the error.
  std::string Get(const std::string& key) {
    std::size_t size = 0;
    std::uint32_t flags = 0;
    memcached_return_t result = MEMCACHED_SUCCESS;
    const std::unique_ptr<char, decltype(&std::free)> value(
        memcached_get(get(), key.data(), key.size(), &size, &flags, &result), &std::free);
    if (result != MEMCACHED_SUCCESS) return memcached_strerror(get(), result);
    return {value.get(), size};
  }

 private:
  std::unique_ptr<memcached_st, decltype(&memcached_free)> memc_;
};

TEST_F(MemcacheTest, SetsAndGets) {
  Client client(server());
  EXPECT_EQ(client.Get("hello"), "NOT FOUND");
  EXPECT_EQ(client.Set("hello", "world"), MEMCACHED_SUCCESS);
  EXPECT_EQ(client.Get("hello"), "world");
}

TEST_F(MemcacheTest, AppendsAndPrepends) {
  Client client(server());
  EXPECT_NE(memcached_append(client.get(), "nowhere", 7, "x", 1, 0, 0), MEMCACHED_SUCCESS);
  EXPECT_EQ(client.Set("middle", "-"), MEMCACHED_SUCCESS);
  EXPECT_EQ(memcached_append(client.get(), "middle", 6, "right", 5, 0, 0), MEMCACHED_SUCCESS);
  EXPECT_EQ(memcached_prepend(client.get(), "middle", 6, "left", 4, 0, 0), MEMCACHED_SUCCESS);
  EXPECT_EQ(client.Get("middle"), "left-right");
}

TEST_F(MemcacheTest, RefusesAValueThatChangedMeanwhile) {
  Client client(server());
  ASSERT_EQ(client.Set("shared", "mine"), MEMCACHED_SUCCESS);
  const char* const keys[] = {"shared"};
  const std::size_t sizes[] = {6};
  ASSERT_EQ(memcached_mget(client.get(), keys, sizes, 1), MEMCACHED_SUCCESS);
  memcached_result_st result;
  ASSERT_NE(memcached_result_create(client.get(), &result), nullptr);
  memcached_return_t status = MEMCACHED_SUCCESS;
  ASSERT_NE(memcached_fetch_result(client.get(), &result, &status), nullptr);
  const auto seen = memcached_result_cas(&result);
  memcached_result_free(&result);
  while (memcached_fetch_result(client.get(), nullptr, &status) != nullptr) {
  }
  ASSERT_EQ(Client(server()).Set("shared", "theirs"), MEMCACHED_SUCCESS);
  EXPECT_EQ(memcached_cas(client.get(), "shared", 6, "mine again", 10, 0, 0, seen), MEMCACHED_DATA_EXISTS);
  EXPECT_EQ(client.Get("shared"), "theirs");
}

TEST_F(MemcacheTest, CountsUpAndDown) {
  Client client(server());
  std::uint64_t value = 0;
  EXPECT_EQ(memcached_increment_with_initial(client.get(), "counter", 7, 2, 10, 0, &value),
            MEMCACHED_SUCCESS);
  EXPECT_EQ(value, 10U);
  EXPECT_EQ(memcached_increment(client.get(), "counter", 7, 2, &value), MEMCACHED_SUCCESS);
  EXPECT_EQ(value, 12U);
  EXPECT_EQ(memcached_decrement(client.get(), "counter", 7, 20, &value), MEMCACHED_SUCCESS);
  EXPECT_EQ(value, 0U);  // it stops there
}

TEST_F(MemcacheTest, TellsItsVersion) {
  Client client(server());
  ASSERT_EQ(memcached_version(client.get()), MEMCACHED_SUCCESS);
  EXPECT_GE(memcached_server_major_version(memcached_server_instance_by_position(client.get(), 0)), 1);
}

// Last: "NOT FOUND" afterwards is the proof that no other memcached of this machine has answered.
TEST_F(MemcacheTest, ForgetsEverythingInACrash) {
  ASSERT_EQ(Client(server()).Set("volatile", "yes"), MEMCACHED_SUCCESS);
  server().Crash();
  EXPECT_NE(Client(server()).Get("volatile"), "yes");
  server().Restart();
  EXPECT_EQ(Client(server()).Get("volatile"), "NOT FOUND");
}

}  // namespace
