// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <system_error>

#include <curfew/servers.h>

#include "servers/availability.h"
#include "servers/version.h"

namespace curfew::servers {
namespace {

void Append(std::vector<std::string>& command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
}

// A part of a file name that stands for any text.
std::string FileNameFor(const std::string& text) {
  std::string name;
  for (const unsigned char c : text) name += std::isalnum(c) != 0 ? static_cast<char>(c) : '_';
  return name + "-" + std::to_string(std::hash<std::string>()(text) % 1000000);
}

// A word of a shell line. What is in braces stays a placeholder, to be filled in between the quotes.
std::string Quoted(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string UserName() {
  const passwd* const user = ::getpwuid(::geteuid());
  return user != nullptr ? user->pw_name : std::to_string(::geteuid());
}

// Of the first of these users that exists: nobody else is needed where the product's package made its own.
std::string UnprivilegedUser(const std::string& preferred) {
  return ::getpwnam(preferred.c_str()) != nullptr ? preferred : "nobody";
}

// Debian installs versions side by side; newest first.
std::vector<std::string> PostgresDirectories() {
  std::vector<std::string> versions;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    versions.push_back(entry.path().filename().string());
  }
  std::ranges::sort(versions, [](const auto& left, const auto& right) { return IsOlder(right, left); });
  for (auto& version : versions) version = "/usr/lib/postgresql/" + version + "/bin";
  return versions;
}

// A data directory that takes seconds to make is made once in a run, beside the servers' directories, where the
// keeper removes it in the end; a server's own is a copy. Two that start at once wait for each other. A restart
// finds its data in place.
//   $1 is the template's path, $2 whoever is to own it; `make` makes it in "$1.new".
std::string CopyOfTemplate(const std::string& name, const std::string& owner, const std::string& make) {
  const std::string once = "test -d \"$1\" || { rm -rf \"$1.new\" && mkdir -m 700 \"$1.new\" && { test -z \"$2\" || "
                           "chown \"$2\" \"$1.new\"; } && " + make + " && mv \"$1.new\" \"$1\"; }";
  const std::string path = "\"{dir}\"/../template-" + name;
  return "test -d \"{dir}/data\" || { flock " + path + ".lock sh -c " + Quoted(once) + " sh " + path + " " +
         Quoted(owner) + " && cp -a --reflink=auto " + path + " \"{dir}/data\"; } && ";
}

}  // namespace

ServerSpec Redis(const Options& options) {
  if (auto external = External("redis")) return *std::move(external);
  const auto program = Require({.name = "redis", .program = "redis-server", .package = "apt install redis-server"},
                               options.minimum_version);
  ServerSpec spec{.name = "redis",
                  .command = {program, "--port", "{port}", "--bind", "{host}", "--dir", "{dir}", "--save", ""},
                  // It listens before it has read its data, and answers -LOADING until it has.
                  .ready = Ready::All({Ready::Tcp(), Ready::Log("Ready to accept connections")})};
  Append(spec.command, options.arguments);
  return spec;
}

ServerSpec Memcached(const Options& options) {
  if (auto external = External("memcached")) return *std::move(external);
  const auto program = Require({.name = "memcached", .program = "memcached", .package = "apt install memcached"},
                               options.minimum_version);
  ServerSpec spec{.name = "memcached",
                  .command = {program, "-l", "{host}", "-p", "{port}", "-U", "0", "-u", UserName()}};
  Append(spec.command, options.arguments);
  return spec;
}

ServerSpec Postgres(const PostgresOptions& options) {
  if (auto external = External("postgres")) return *std::move(external);
  const Product product{.name = "postgres",
                        .program = "postgres",
                        .package = "apt install postgresql",
                        .directories = PostgresDirectories()};
  const auto postgres = Require(product, options.minimum_version);
  const auto initdb = RequireCompanion(product, "initdb");
  const bool root = ::geteuid() == 0;
  const auto owner = root ? UnprivilegedUser("postgres") : "";
  const std::string as_owner =
      root ? "setpriv --reuid=" + owner + " --regid=$(id -g " + owner + ") --clear-groups " : "";
  // One template for each user name: initdb writes it into the data.
  std::string line =
      CopyOfTemplate("postgres-" + FileNameFor(options.user), owner,
                     as_owner + initdb + " -D \"$1.new\" -A trust -U " + Quoted(options.user) +
                         " -E UTF8 --locale=C --no-sync >\"$1.log\" 2>&1 || { cat \"$1.log\"; exit 1; }");
  line += "exec " + as_owner + postgres + " -D \"{dir}/data\" -p {port} -h {host} -k '' -F";
  for (const auto& argument : options.arguments) line += " " + Quoted(argument);
  return {.name = "postgres",
          .shell = line,
          .ready = Ready::All({Ready::Tcp(), Ready::Log("ready to accept connections")}),
          .ready_timeout = 60s,
          // "Fast" shutdown; the postmaster ends its own children in the right order.
          .stop = {{{SIGINT, 20s, StopStep::To::kLeader}}}};
}

ServerSpec Mariadb(const Options& options) {
  if (auto external = External("mariadb")) return *std::move(external);
  const Product product{.name = "mariadb", .program = "mariadbd", .package = "apt install mariadb-server"};
  const auto mariadbd = Require(product, options.minimum_version);
  const auto install = RequireCompanion(product, "mariadb-install-db");
  // As root it stays root: the user mysql could not make the socket in a directory of root's.
  const std::string as_root = ::geteuid() == 0 ? " --user=root" : "";
  // A tmpdir of its own: each mariadbd that begins removes the temporary tables of all others that share one.
  std::string line = CopyOfTemplate("mariadb", "",
                                    "mkdir -p \"$1.tmp\" && TMPDIR=\"$1.tmp\" " + install +
                                        " --no-defaults --datadir=\"$1.new\" "
                                        "--auth-root-authentication-method=normal --skip-test-db" +
                                        as_root + " >\"$1.log\" 2>&1 || { cat \"$1.log\"; exit 1; }");
  line += "exec " + mariadbd +
          " --no-defaults --datadir=\"{dir}/data\" --port={port} --bind-address={host} --socket=\"{socket}\" "
          "--pid-file=\"{dir}/data/pid\" --tmpdir=\"{dir}\" --innodb-flush-log-at-trx-commit=0" +
          as_root;
  for (const auto& argument : options.arguments) line += " " + Quoted(argument);
  return {.name = "mariadb",
          .shell = line,
          .ready = Ready::All({Ready::Tcp(), Ready::Log("ready for connections")}),
          .ready_timeout = 60s,
          .stop = {{{SIGTERM, 20s}}}};
}

}  // namespace curfew::servers
