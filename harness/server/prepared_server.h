// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <curfew/log.h>
#include <curfew/spec.h>

#include "ports/address_reservation.h"
#include "ports/port_reservation.h"
#include "process/result.h"
#include "readiness/unix_table.h"

namespace curfew::server {

// A server's place in the run: what stays the same from its first start to its last stop, restarts included.
// Owns the port reservations and the private directory (removed in the end).
class PreparedServer {
 public:
  // Checks the spec, reserves its ports, makes its directory and files, fills in the placeholders, and finds
  // the program. `base` is a path not used by anybody: the directory, and with suffixes the log and the socket.
  // Throws StartError.
  // `values` are those of placeholders that come from elsewhere: what other servers have captured.
  PreparedServer(ServerSpec spec, const std::filesystem::path& base, std::map<std::string, std::string> values = {});
  ~PreparedServer();
  PreparedServer(const PreparedServer&) = delete;
  PreparedServer& operator=(const PreparedServer&) = delete;

  // The message that has a warden launch it; `mark` becomes its CURFEW_MARK.
  [[nodiscard]] nlohmann::json LaunchRequest(const std::string& mark) const;
  // The one that has a warden run a command of its Ready, in the same environment with `env` added, and killed with
  // all it has begun when it is told to stop.
  [[nodiscard]] process::Result<nlohmann::json> CommandRequest(const std::vector<std::string>& argv,
                                                               const std::map<std::string, std::string>& env,
                                                               const std::string& mark) const;
  // What such a command prints.
  [[nodiscard]] std::filesystem::path command_output() const { return address_.dir.string() + ".ready.log"; }
  // Where its NOTIFY_SOCKET is, if it is told of one.
  [[nodiscard]] const std::optional<readiness::UnixAddress>& notify_address() const { return notify_address_; }

  // Everything as at first, on fresh ports (but for the numbers the spec names), in a new and empty directory.
  // Throws StartError; then it is of no more use.
  void StartOver();
  // Whether StartOver brings other port numbers.
  [[nodiscard]] bool HasFreshPorts() const;

  // The ports to be discovered; their numbers are 0 until they are.
  [[nodiscard]] std::map<std::string, Port> PortsToDiscover() const;
  void Discovered(const std::map<std::string, std::uint16_t>& numbers);
  // Whether it is to be met by ::1 alone, and so is `address`. No meaning for one with a network or address of its own.
  void ReachedByIpv6Only(bool only);

  // For a server that cannot bind over the reservations: from here on they are given up for its life.
  void LeavePortsToServer() { ports_left_to_server_ = true; }
  [[nodiscard]] bool PortsAreLeftToServer() const { return ports_left_to_server_; }
  [[nodiscard]] bool MeansUdp(const std::string& port_name) const;
  [[nodiscard]] bool MeansTcp(const std::string& port_name) const;
  // Who of others has the port: a description, or nothing.
  [[nodiscard]] std::string DescribeOther(const std::string& port_name, bool udp) const;
  // Where ports are held: on the private address, or ("") on every one.
  [[nodiscard]] std::string HoldAddress() const;
  // The sockets that hold its ports.
  [[nodiscard]] std::set<std::uint64_t> HeldInodes() const;
  // To be called just before a life begins, and when it has ended. A number that somebody has taken meanwhile stays
  // his: the next life will be told.
  void ReleasePorts();
  void HoldPorts();

  [[nodiscard]] const ServerSpec& spec() const { return spec_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ServerAddress& address() const { return address_; }
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
  [[nodiscard]] const Log& log() const { return log_; }
  [[nodiscard]] const Ready& ready() const { return ready_; }
  // The command line as it is executed.
  [[nodiscard]] std::string CommandLine() const;

 private:
  void Place();
  void ReservePorts();
  void ReserveAddress();
  void Reserve(const std::string& port_name);
  [[noreturn]] void RefusePort(const std::string& port_name, int fixed, bool udp,
                               const process::Failure& failure) const;
  [[nodiscard]] Port PortOf(const std::string& port_name) const;
  [[nodiscard]] nlohmann::json SocketRequests() const;
  void RemoveFiles();
  void MakeDirectory();
  void FillIn();
  void FindProgram();
  // Where programs are looked for: the PATH of its own environment, with its placeholders filled in, else the test
  // program's.
  [[nodiscard]] std::string SearchPath() const;
  [[nodiscard]] std::string Expanded(const std::string& text) const;
  // The same of what becomes an argument, a variable or a path.
  [[nodiscard]] std::string ExpandedWord(const std::string& text) const;
  [[nodiscard]] static std::string Expanded(const std::string& name, const std::string& text,
                                            const std::map<std::string, std::string>& values);
  void FillInReady();
  // The environment of its own (`env`) on top of the test program's.
  [[nodiscard]] static std::vector<std::string> Environment(const std::map<std::string, std::string>& env);

  ServerSpec spec_;
  std::string name_;
  ServerAddress address_;
  std::filesystem::path socket_;
  Log log_;
  Ready ready_;
  std::map<std::string, std::string> values_;  // of the placeholders
  std::optional<ports::AddressReservation> private_address_;
  std::vector<ports::PortReservation> reservations_;
  bool ports_left_to_server_ = false;
  std::optional<readiness::UnixAddress> notify_address_;
  std::string executable_;
  std::vector<std::string> argv_;
  std::map<std::string, std::string> env_;
  std::string working_dir_;
};

}  // namespace curfew::server
