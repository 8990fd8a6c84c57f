// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace curfew {

// A socket that the server finds open when it begins (socket activation, sd_listen_fds(3)): bound, and listening if it
// is of a kind that listens. Clients may connect before the server runs; they wait in the queue.
//
// The server gets them as descriptors from 3 up, in the order of the spec, with LISTEN_FDS, LISTEN_FDNAMES and
// LISTEN_PID in its environment. LISTEN_PID is that of the leader: a `shell` line has to exec the server. Nobody else
// keeps them: when the server is gone, connections are refused.
class ListenSocket {
 public:
  enum class Kind { kTcp, kUdp, kUnix, kUnixDatagram };  // as the functions below are called

  // {host} and the reserved, or fixed, {port} or {port:NAME}. The name in LISTEN_FDNAMES is `port_name`, or "port".
  [[nodiscard]] static ListenSocket Tcp(std::string port_name = "") { return {Kind::kTcp, std::move(port_name), ""}; }
  [[nodiscard]] static ListenSocket Udp(std::string port_name = "") { return {Kind::kUdp, std::move(port_name), ""}; }
  // A path, with placeholders, taken from {dir} if relative; "@name" is of the abstract namespace (unix(7)). `name` is
  // the one in LISTEN_FDNAMES, or "socket". What is at the path is removed first.
  [[nodiscard]] static ListenSocket Unix(std::string path = "{socket}", std::string name = "") {
    return {Kind::kUnix, std::move(name), std::move(path)};
  }
  [[nodiscard]] static ListenSocket UnixDatagram(std::string path = "{socket}", std::string name = "") {
    return {Kind::kUnixDatagram, std::move(name), std::move(path)};
  }

  [[nodiscard]] Kind kind() const { return kind_; }  // which of them made it
  [[nodiscard]] bool has_port() const { return kind_ == Kind::kTcp || kind_ == Kind::kUdp; }  // TCP or UDP
  [[nodiscard]] const std::string& name() const { return name_; }  // port_name, or name, as it was given
  [[nodiscard]] const std::string& path() const { return path_; }  // of a Unix socket; else empty

 private:
  ListenSocket(Kind kind, std::string name, std::string path)
      : kind_(kind), name_(std::move(name)), path_(std::move(path)) {}

  Kind kind_;
  std::string name_;
  std::string path_;
};

}  // namespace curfew
