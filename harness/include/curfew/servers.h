// SPDX-License-Identifier: Apache-2.0
// Ready-made specs of well-known servers, in a library of their own: link curfew::servers.
#pragma once

#include <string>
#include <vector>

#include <curfew/spec.h>
#include <curfew/unavailable.h>

// What you get is a ServerSpec, plain data: change whatever does not fit before you start it.
//
// Each function looks for its program in PATH and where Debian keeps it. A program that is not there, or is older
// than `minimum_version`, is an Unavailable error: fixtures skip their tests with its text. Two variables decide
// otherwise, NAME being the function's name in capitals, as in CURFEW_EXTERNAL_REDIS:
//
//   CURFEW_REQUIRE=redis,postgres  (or `all`)  what is not there is a StartError, so that CI cannot go green untested
//   CURFEW_EXTERNAL_NAME=host:port   no server is launched: {port} leads to that one, by a relay. Stop, Crash and
//                                    Restart are the relay's: connections break and come back, the data stays.
//                                    Its version is not checked, and its data is yours to clean
//
// Blocks: only with a `minimum_version`: for one call of the program with --version, at most 30 s.
// Threads: may be called by several at once.
//
//   class Kv : public curfew::TcpServerFixture {
//     curfew::ServerSpec Spec() override { return curfew::servers::Redis(); }
//   };
namespace curfew::servers {

struct Options {  // what every ready-made server can be told
  std::string minimum_version = {};         // "7.0"; empty: any
  std::vector<std::string> arguments = {};  // added to the command line, with placeholders
};

// Nothing is saved but what the test asks for; ready when it has read its data.
[[nodiscard]] ServerSpec Redis(const Options& options = {});
// TCP alone, no UDP. As root it stays root.
[[nodiscard]] ServerSpec Memcached(const Options& options = {});

struct PostgresOptions {  // what Postgres can be told
  std::string user = "postgres";  // a superuser; every local connection is trusted. The database is "postgres"
  std::string minimum_version = {};  // "15"; empty: any
  std::vector<std::string> arguments = {};  // of postgres: "-c", "max_connections=5"
};
// The newest that is installed. initdb is run once in a run; each server gets a copy. Since both refuse to be root,
// they then run as the user postgres, or nobody. fsync is off.
[[nodiscard]] ServerSpec Postgres(const PostgresOptions& options = {});
// User root without a password. The data directory is made once in a run; each server gets a copy.
[[nodiscard]] ServerSpec Mariadb(const Options& options = {});

// `locations` stands inside the server block that listens on {port}: location blocks, with placeholders. Files
// that it serves may be added to `files` of the spec.
[[nodiscard]] ServerSpec Nginx(const std::string& locations = "location / { return 200 \"ok\"; }",
                               const Options& options = {});
// Anonymous clients, no persistence.
[[nodiscard]] ServerSpec Mosquitto(const Options& options = {});
// A forward proxy for whoever asks, without a cache. `configuration` is added: acl lines, cache_peer.
[[nodiscard]] ServerSpec Squid(const std::string& configuration = "", const Options& options = {});
// Blob storage, account devstoreaccount1. Slow to start: 4 s and more.
[[nodiscard]] ServerSpec Azurite(const Options& options = {});

}  // namespace curfew::servers
