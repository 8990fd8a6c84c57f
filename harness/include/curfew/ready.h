// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <curfew/duration.h>

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
// A socket satisfies a probe only if a process of the server's own tree holds it. A stranger's is reported as
// StartError::kPortTaken at once; where the kernel does not tell whose it is, the report says "not provable".
//
// Where a single attempt may hang it has a limit of its own (`attempt`), after which it is given up and a new one
// begins. Those limits, like `within`, are scaled by CURFEW_TIMEOUT_SCALE; ready_timeout stands over all of them.
//
// Threads: a value. When()'s function runs on the thread that calls Server::Start.
//
//   spec.ready = Ready::Http("/health");
//   spec.ready = Ready::All({Ready::Tcp(), Ready::Log("ready to accept connections")});
//   spec.ready = Ready::StaysReady(Ready::Http("/health", {.status = {200}}), 500ms);
class Ready {
 public:
  enum class Kind {  // as the functions below are called
    kTcp, kTcpAccept, kUdp, kUnix, kUnixDatagram, kHttp, kHttps, kLog, kFile, kFileSettled, kCommand, kNotify,
    kNotifyFd, kActivated, kWhen, kStaysReady, kAll, kAny
  };

  // One HTTP status, 204, or all from one to another, {200, 299}.
  struct Statuses {
    Statuses(int only) : first(only), last(only) {}  // NOLINT(google-explicit-constructor): {200, 204} reads as a list
    Statuses(int from, int to) : first(from), last(to) {}  // both are in it
    int first;  // 100 to 599
    int last;   // first to 599
  };

  struct HttpOptions {  // what Http and Https ask for, and which answer will do
    std::string port = {};                         // name of the port; "" is {port}
    std::vector<Statuses> status = {{200, 399}};   // any of these: {200, 401} is two, {{200, 299}, 401} a range and one
    std::string method = "GET";                    // any token of RFC 9110 but CONNECT
    std::map<std::string, std::string> headers = {};  // added, or in place of ours; placeholders in values
    std::string body = {};                         // sent with the request; with placeholders
    std::string contains = {};                     // the answer's body holds this text; with placeholders
    std::string matches = {};                      // and this RE2 regex matches somewhere in it
    // How many redirections to follow in one attempt, all of them to this same server. 0: a redirection is the answer.
    int redirects = 0;
    Duration attempt = std::chrono::seconds(1);    // > 0; for the whole exchange, redirections included

    // Https only; one of ca_file and unverified is needed.
    std::filesystem::path ca_file = {};            // PEM; with placeholders; a relative path is taken from {dir}
    bool unverified = false;                       // take any certificate
    // Whom the certificate must be for, also sent as SNI. "": 127.0.0.1, ::1 or localhost.
    std::string server_name = {};
  };

  struct LogOptions {  // which line Log waits for
    int occurrence = 1;   // satisfied by the N-th line that matches, >= 1
    // Counted from launch: when it is over without such a line, the start fails (kTimedOut) without waiting for
    // ready_timeout. 0: no such limit.
    Duration within = {};
  };

  struct CommandOptions {  // how Command runs its command
    std::map<std::string, std::string> env = {};  // added to the server's own; with placeholders in the values
    Duration attempt = std::chrono::seconds(5);   // > 0; then it is killed with all it has begun, and run again
  };

  // The server listens on {port}, or on {port:NAME}. Nothing is connected: the kernel is asked (sock_diag(7)),
  // so a server that counts connections or serves only one client is not disturbed.
  [[nodiscard]] static Ready Tcp(std::string port_name = "");
  // As Tcp, and a connection is accepted by the kernel's queue; it is closed at once. Beyond Tcp this shows that the
  // queue is not full and no filter is in between; to hear from the server itself use Http or When.
  [[nodiscard]] static Ready TcpAccept(std::string port_name = "", Duration attempt = std::chrono::seconds(1));
  // A UDP socket of the server is bound to the number of {port} or {port:NAME}. Nothing is sent.
  [[nodiscard]] static Ready Udp(std::string port_name = "");
  // A stream socket at this path accepts a connection. Placeholders are filled in; a relative path is taken from
  // {dir}. "@name" is a name of the abstract namespace (unix(7)).
  [[nodiscard]] static Ready Unix(std::string path = "{socket}");
  // A datagram socket is bound to this path or "@name". Nothing is sent.
  [[nodiscard]] static Ready UnixDatagram(std::string path = "{socket}");
  // The request is answered as the options ask, by default: GET, with a status from 200 to 399. Of an answer at most
  // 64 KiB of header and 1 MiB of body are read. Each attempt is a connection of its own.
  [[nodiscard]] static Ready Http(std::string path = "/");
  [[nodiscard]] static Ready Http(std::string path, HttpOptions options);
  // The same over TLS. kBadSpec from a Curfew that was built without OpenSSL (CMake option CURFEW_TLS).
  //   Ready::Https("/health", {.ca_file = "{dir}/ca.pem"})
  [[nodiscard]] static Ready Https(std::string path, HttpOptions options);
  // A line of stdout or stderr matches, anywhere in the line. RE2 syntax: linear time, no back references. What its
  // named groups, (?P<name>...), matched is Server::captured("name"), and {captured:name} in specs of later servers.
  [[nodiscard]] static Ready Log(std::string regex);
  [[nodiscard]] static Ready Log(std::string regex, LogOptions options);
  // This path exists, changed since the launch if it was there before. With placeholders; relative paths are in {dir}.
  [[nodiscard]] static Ready File(std::string path);
  // The same, and its size and time of modification have not changed for `quiet`, > 0.
  [[nodiscard]] static Ready FileSettled(std::string path, Duration quiet = std::chrono::milliseconds(500));
  // The command exits with status 0. It is run again and again, with pauses as long as it took and at least 20 ms, in
  // the environment and working directory of the server, contained like a server: whatever it leaves behind is ended
  // before the next look, and it is never waited for beyond its `attempt`. Placeholders are filled in, {captured:GROUP}
  // of this spec's own Log parts as soon as they have matched. The program is looked for as that of the spec.
  //   Ready::Command({"pg_isready", "-h", "{host}", "-p", "{port}"})
  [[nodiscard]] static Ready Command(std::vector<std::string> argv);
  [[nodiscard]] static Ready Command(std::vector<std::string> argv, CommandOptions options);
  // The server says READY=1 as it would to systemd (sd_notify(3)): NOTIFY_SOCKET is in its environment. STATUS=,
  // MAINPID=, STOPPING=1, ERRNO= and EXIT_STATUS= are shown while waiting and in failures; EXTEND_TIMEOUT_USEC= is
  // granted up to ten times ready_timeout. A message is believed only from a process of the tree that is still there
  // when it is read (systemd-notify waits for that); others are refused and mentioned.
  [[nodiscard]] static Ready Notify();
  // The server writes a newline to the descriptor that it was started with as {notify_fd}, as s6 has it.
  //   {.command = {"server", "--notify-fd", "{notify_fd}"}, .ready = Ready::NotifyFd()}
  [[nodiscard]] static Ready NotifyFd();
  // The function returns true. One that throws counts as "not yet"; its what() is shown if time runs out.
  // It must return by itself: nothing can interrupt it.
  [[nodiscard]] static Ready When(std::function<bool(const ServerAddress&)> predicate);
  // The probe holds every time it is asked for as long as `hold`, > 0, without a "no" in between: for servers that
  // answer once and then break down, or are still loading. It is asked as often as it would be without this. Parts of
  // an All or Any in it are asked again even when they have held; a log line that was written stays written.
  [[nodiscard]] static Ready StaysReady(Ready probe, Duration hold);
  // Nothing is waited for: ServerSpec::sockets are open before the server runs, and who connects waits in their queue.
  [[nodiscard]] static Ready Activated();
  // Every part holds (each is asked until it has held once), or the first of them does.
  [[nodiscard]] static Ready All(std::vector<Ready> parts);
  [[nodiscard]] static Ready Any(std::vector<Ready> parts);

  [[nodiscard]] Kind kind() const { return kind_; }  // which of them made it
  // The port name, path, socket path or regex: what the kind calls for.
  [[nodiscard]] const std::string& subject() const { return subject_; }
  [[nodiscard]] const HttpOptions& http() const { return http_; }
  [[nodiscard]] const LogOptions& log() const { return log_; }
  [[nodiscard]] const CommandOptions& command() const { return command_; }
  [[nodiscard]] const std::vector<std::string>& argv() const { return argv_; }
  // `attempt`, `quiet` or `hold`: what the kind calls for.
  [[nodiscard]] Duration duration() const { return duration_; }
  [[nodiscard]] const std::function<bool(const ServerAddress&)>& predicate() const { return predicate_; }
  [[nodiscard]] const std::vector<Ready>& parts() const { return parts_; }

  // The same with another subject, or other parts.
  [[nodiscard]] Ready With(std::string subject) const;
  [[nodiscard]] Ready With(std::vector<Ready> parts) const;
  [[nodiscard]] Ready With(HttpOptions options) const;
  [[nodiscard]] Ready With(std::vector<std::string> argv, CommandOptions options) const;

 private:
  Ready(Kind kind, std::string subject) : kind_(kind), subject_(std::move(subject)) {}

  Kind kind_;
  std::string subject_;
  HttpOptions http_;
  LogOptions log_;
  CommandOptions command_;
  std::vector<std::string> argv_;
  Duration duration_{};
  std::function<bool(const ServerAddress&)> predicate_;
  std::vector<Ready> parts_;
};

}  // namespace curfew
