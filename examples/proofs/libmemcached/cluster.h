// SPDX-License-Identifier: Apache-2.0
// Several memcached servers, and one client that spreads its keys over them.
#pragma once

#include <libmemcached/memcached.h>

#include <memory>
#include <string>
#include <vector>

#include <curfew/curfew.h>
#include <curfew/servers.h>

// ---- fixture ----
enum class Address { kTcp, kUnix };

// A memcached at a socket file instead of a port; it has no TCP then.
inline curfew::ServerSpec MemcachedAt(Address address) {
  if (address == Address::kTcp) return curfew::servers::Memcached();
  auto spec = curfew::servers::Memcached({.arguments = {"-s", "{socket}"}});
  spec.ready = curfew::Ready::Unix();
  return spec;
}

class Cluster {
 public:
  explicit Cluster(int count, Address address = Address::kTcp) : address_(address) {
    for (int i = 0; i < count; ++i) servers_.push_back(curfew::Server::Start(MemcachedAt(address)));
  }

  curfew::Server& operator[](std::size_t i) { return servers_[i]; }
  std::vector<curfew::Server>& servers() { return servers_; }

  // A client of all but one of them, by default of all. A key's place follows from the names of its servers
  // alone.
  using Client = std::unique_ptr<memcached_st, decltype(&memcached_free)>;
  Client Connect(std::size_t but = SIZE_MAX) {
    Client client(memcached_create(nullptr), &memcached_free);
    memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_KETAMA, 1);
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (i == but) continue;
      if (address_ == Address::kUnix)
        memcached_server_add_unix_socket(client.get(), servers_[i].socket().c_str());
      if (address_ == Address::kTcp)
        memcached_server_add(client.get(), servers_[i].host().c_str(), servers_[i].port());
    }
    return client;
  }

 private:
  Address address_;
  std::vector<curfew::Server> servers_;
};
// ---- end of fixture ----
