// SPDX-License-Identifier: Apache-2.0
// What libmemcached is tested for with its own classes Cluster, Server and ForkAndExec: consistent hashing
// over several servers, one of which crashes and comes back.
#include "cluster.h"

#include <cstdlib>
#include <map>
#include <optional>

namespace {

constexpr std::size_t kServers = 3;
constexpr int kKeys = 400;

std::string Key(int i) {
  return "key:" + std::to_string(i);
}

memcached_return_t Set(memcached_st* client, const std::string& key, const std::string& value) {
  return memcached_set(client, key.data(), key.size(), value.data(), value.size(), 0, 0);
}

// The value, or what the library calls the error.
std::string Get(memcached_st* client, const std::string& key) {
  std::size_t size = 0;
  std::uint32_t flags = 0;
  memcached_return_t result = MEMCACHED_SUCCESS;
  const std::unique_ptr<char, decltype(&std::free)> value(
      memcached_get(client, key.data(), key.size(), &size, &flags, &result), &std::free);
  return result == MEMCACHED_SUCCESS ? std::string(value.get(), size) : memcached_strerror(client, result);
}

std::uint32_t PlaceOf(memcached_st* client, const std::string& key) {
  return memcached_generate_hash(client, key.data(), key.size());
}

// What each of the servers says of itself.
std::vector<memcached_stat_st> Statistics(memcached_st* client) {
  memcached_return_t result = MEMCACHED_SUCCESS;
  const std::unique_ptr<memcached_stat_st, decltype(&std::free)> all(memcached_stat(client, nullptr, &result),
                                                                     &std::free);
  if (all == nullptr || result != MEMCACHED_SUCCESS) return {};
  return {all.get(), all.get() + memcached_server_count(client)};
}

class ClusterTest : public testing::TestWithParam<Address> {
 protected:
  void SetUp() override {
    try {
      cluster_.emplace(kServers, GetParam());
    } catch (const curfew::Unavailable& unavailable) {
      GTEST_SKIP() << unavailable.what();
    }
  }
  Cluster& cluster() { return *cluster_; }

 private:
  std::optional<Cluster> cluster_;
};

TEST_P(ClusterTest, GivesEachServerAShareOfTheKeys) {
  const auto client = cluster().Connect();
  std::map<std::uint32_t, std::uint64_t> share;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(Set(client.get(), Key(i), "value"), MEMCACHED_SUCCESS) << Key(i);
    ++share[PlaceOf(client.get(), Key(i))];
  }
  const auto said = Statistics(client.get());
  ASSERT_EQ(said.size(), kServers);
  for (std::uint32_t i = 0; i < kServers; ++i) {
    EXPECT_EQ(said[i].pid, cluster()[i].pid());  // it is ours that answers
    EXPECT_GT(share[i], 0U) << "server " << i;
    EXPECT_EQ(said[i].curr_items, share[i]) << "server " << i;
  }
}

TEST_P(ClusterTest, LosesTheKeysOfACrashedServerAlone) {
  constexpr std::uint32_t kCrashed = 2;
  const auto client = cluster().Connect();
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Set(client.get(), Key(i), Key(i)), MEMCACHED_SUCCESS);

  cluster()[kCrashed].Crash();
  for (int i = 0; i < kKeys; ++i) {
    const bool lost = PlaceOf(client.get(), Key(i)) == kCrashed;
    EXPECT_EQ(Get(client.get(), Key(i)) == Key(i), !lost) << Key(i);
  }

  cluster()[kCrashed].Restart();  // at the same address, or the keys would have another place
  const auto again = cluster().Connect();
  for (int i = 0; i < kKeys; ++i) {
    const bool lost = PlaceOf(client.get(), Key(i)) == kCrashed;
    EXPECT_EQ(PlaceOf(again.get(), Key(i)), PlaceOf(client.get(), Key(i)));
    EXPECT_EQ(Get(again.get(), Key(i)), lost ? "NOT FOUND" : Key(i));
    EXPECT_EQ(Set(again.get(), Key(i), Key(i)), MEMCACHED_SUCCESS);
  }
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(Get(again.get(), Key(i)), Key(i));
}

TEST_P(ClusterTest, MovesNoOtherKeysWhenAServerIsLeftOut) {
  constexpr std::uint32_t kLeftOut = 1;
  const auto whole = cluster().Connect();
  const auto part = cluster().Connect(kLeftOut);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Set(whole.get(), Key(i), Key(i)), MEMCACHED_SUCCESS);
  for (int i = 0; i < kKeys; ++i) {
    const bool moved = PlaceOf(whole.get(), Key(i)) == kLeftOut;
    EXPECT_EQ(Get(part.get(), Key(i)), moved ? "NOT FOUND" : Key(i));
  }
}

std::string NameOf(const testing::TestParamInfo<Address>& info) {
  return info.param == Address::kTcp ? "Tcp" : "Unix";
}
INSTANTIATE_TEST_SUITE_P(Over, ClusterTest, testing::Values(Address::kTcp, Address::kUnix), NameOf);

}  // namespace
