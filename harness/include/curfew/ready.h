// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace curfew {

// Where a server is to be found, as a probe sees it: before the Server object exists.
struct ServerAddress {
  std::string host;                           // "127.0.0.1"
  std::map<std::string, std::uint16_t> ports;  // by name; "" is the one of {port}
  std::filesystem::path dir;                  // the server's private directory

  // The port of that name. Throws std::out_of_range for a name that no {port:NAME} of the spec has.
  [[nodiscard]] std::uint16_t port(const std::string& name = "") const { return ports.at(name); }
};

// What has to be true before a server counts as ready. Plain data: nothing is looked at before
// Server::Start, which asks again and again until every part holds, the server dies, or ready_timeout ends.
//
// TCP and HTTP are satisfied only by a socket that a process of the server's own tree holds. A stranger who
// listens on the port is reported as StartError::kPortTaken at once.
//
// Threads: a value. When()'s function runs on the thread that calls Server::Start.
//
//   spec.ready = Ready::Http("/health");
//   spec.ready = Ready::All({Ready::Tcp(), Ready::Log("ready to accept connections")});
class Ready {
 public:
  enum class Kind { kTcp, kHttp, kUnix, kLog, kFile, kWhen, kAll, kAny };

  struct HttpOptions {
    std::string port = {};  // name of the port; "" is {port}
    int min_status = 200;  // satisfied by min_status <= status <= max_status
    int max_status = 399;
  };

  // The server listens on {port}, or on {port:NAME}. Nothing is connected: the kernel is asked (sock_diag(7)),
  // so a server that counts connections or serves only one client is not disturbed.
  [[nodiscard]] static Ready Tcp(std::string port_name = "");
  // GET path is answered with a status in the range. One attempt may take a second, then a new one begins.
  [[nodiscard]] static Ready Http(std::string path = "/");
  [[nodiscard]] static Ready Http(std::string path, HttpOptions options);
  // A stream socket at this path accepts a connection. Placeholders are filled in.
  [[nodiscard]] static Ready Unix(std::string path = "{socket}");
  // A line of stdout or stderr matches, anywhere in the line. RE2 syntax: linear time, no back references.
  [[nodiscard]] static Ready Log(std::string regex);
  // This path exists. Placeholders are filled in; a relative path is taken from {dir}.
  [[nodiscard]] static Ready File(std::string path);
  // The function returns true. One that throws counts as "not yet"; its what() is shown if time runs out.
  // It must return by itself: nothing can interrupt it.
  [[nodiscard]] static Ready When(std::function<bool(const ServerAddress&)> predicate);
  // Every part holds (each is asked until it has held once), or the first of them does.
  [[nodiscard]] static Ready All(std::vector<Ready> parts);
  [[nodiscard]] static Ready Any(std::vector<Ready> parts);

  [[nodiscard]] Kind kind() const { return kind_; }
  // The port name, path, socket path or regex: what the kind calls for.
  [[nodiscard]] const std::string& subject() const { return subject_; }
  [[nodiscard]] const HttpOptions& http() const { return http_; }
  [[nodiscard]] const std::function<bool(const ServerAddress&)>& predicate() const { return predicate_; }
  [[nodiscard]] const std::vector<Ready>& parts() const { return parts_; }

 private:
  Ready(Kind kind, std::string subject) : kind_(kind), subject_(std::move(subject)) {}

  Kind kind_;
  std::string subject_;
  HttpOptions http_;
  std::function<bool(const ServerAddress&)> predicate_;
  std::vector<Ready> parts_;
};

}  // namespace curfew
