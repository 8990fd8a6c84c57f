// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <curfew/servers.h>

#include "servers/availability.h"

namespace curfew::servers {
namespace {

void Append(std::vector<std::string>& command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
}

// Its workers stay who we are: as nobody they could not read what root's tests put into {dir}.
std::string NginxConfiguration(const std::string& locations) {
  const std::string user = ::geteuid() == 0 ? "user root;\n" : "";
  return user + R"(daemon off;
worker_processes 2;
pid {dir}/nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {
    listen {host}:{port};
    root {dir};
    )" + locations + "\n  }\n}\n";
}

}  // namespace

ServerSpec Nginx(const std::string& locations, const Options& options) {
  if (auto external = External("nginx")) return *std::move(external);
  const auto program = Require(
      {.name = "nginx", .program = "nginx", .package = "apt install nginx-light", .version_flag = "-v"},
      options.minimum_version);
  ServerSpec spec{.name = "nginx",
                  .command = {program, "-e", "stderr", "-p", "{dir}", "-c", "{dir}/nginx.conf"},
                  .files = {{"nginx.conf", NginxConfiguration(locations)}},
                  // Its master listens first; then its workers take the connections.
                  .ready = Ready::Tcp(),
                  .stop = {{{SIGQUIT, 10s, StopStep::To::kLeader}, {SIGTERM, 5s}}}};
  Append(spec.command, options.arguments);
  return spec;
}

ServerSpec Mosquitto(const Options& options) {
  if (auto external = External("mosquitto")) return *std::move(external);
  const auto program = Require(
      {.name = "mosquitto", .program = "mosquitto", .package = "apt install mosquitto", .version_flag = "-h"},
      options.minimum_version);
  // As root it would become the user mosquitto, who may not read {dir}.
  const std::string user = ::geteuid() == 0 ? "user root\n" : "";
  ServerSpec spec{
      .name = "mosquitto",
      .command = {program, "-c", "{dir}/mosquitto.conf"},
      .files = {{"mosquitto.conf", user + "listener {port} {host}\nallow_anonymous true\npersistence false\n"
                                          "log_dest stderr\n"}}};
  Append(spec.command, options.arguments);
  return spec;
}

ServerSpec Squid(const std::string& configuration, const Options& options) {
  if (auto external = External("squid")) return *std::move(external);
  const auto program =
      Require({.name = "squid", .program = "squid", .package = "apt install squid", .version_flag = "-v"},
              options.minimum_version);
  ServerSpec spec{.name = "squid",
                  .command = {program, "-N", "-d", "1", "-f", "{dir}/squid.conf"},
                  .files = {{"squid.conf",
                             "http_port {host}:{port}\npid_filename {dir}/squid.pid\nvisible_hostname localhost\n"
                             "access_log none\ncache_log /dev/null\ncache deny all\ncoredump_dir {dir}\n"
                             "shutdown_lifetime 1 seconds\npinger_enable off\nnetdb_filename none\n" +
                                 configuration + "\nhttp_access allow all\n"}},
                  .ready_timeout = 60s,
                  .stop = {{{SIGTERM, 15s, StopStep::To::kLeader}}}};
  Append(spec.command, options.arguments);
  return spec;
}

ServerSpec Azurite(const Options& options) {
  if (auto external = External("azurite")) return *std::move(external);
  const auto program = Require({.name = "azurite", .program = "azurite-blob", .package = "npm install -g azurite"},
                               options.minimum_version);
  ServerSpec spec{.name = "azurite",
                  .command = {program, "--blobHost", "{host}", "--blobPort", "{port}", "--location", "{dir}",
                              "--skipApiVersionCheck", "--disableProductStyleUrl"},
                  // It has an answer, be it that the request is no good.
                  .ready = Ready::Http("/", {.status = {{100, 599}}}),
                  .ready_timeout = 60s};
  Append(spec.command, options.arguments);
  return spec;
}

}  // namespace curfew::servers
