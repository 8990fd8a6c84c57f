// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/exit_status.h>
#include <curfew/log.h>
#include <curfew/spec.h>
#include <curfew/start_error.h>
#include <curfew/stop.h>
#include <curfew/tree.h>

namespace curfew {

// One running server and everything below it. The destructor stops it and waits until nothing is left.
//
// The server is a child of a warden process, not of the test program: the test program's own children,
// waits and SIGCHLD handling are not touched, and the tree is stopped in the same way however the test program
// ends, SIGKILL included.
//
// Threads: different servers may be used by different threads at once; one server by one thread at a time.
// Fork: in a forked child calls are refused with std::logic_error (addresses are told) and the destructor does nothing,
// so a death test cannot stop its parent's servers.
// Errors: calls that need the warden throw std::runtime_error if it has been killed from outside.
//
//   auto redis = curfew::Server::Start({.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}});
//   Connect(redis.host(), redis.port());
class Server {
 public:
  // Launches the server and returns once it is ready.
  // Blocks: until ready, dead, cancelled, or spec.ready_timeout has passed. Polls with growing pauses.
  // Throws StartError; nothing is left running then. A request on `cancel` ends the wait at once (kCancelled).
  [[nodiscard]] static Server Start(ServerSpec spec, std::stop_token cancel = {});

  Server(Server&&) noexcept;  // what was moved from owns nothing, and no call of it is allowed
  Server& operator=(Server&&) noexcept;  // stops the one that is replaced first
  ~Server();

  [[nodiscard]] const std::string& name() const;  // that of the spec, or its default
  // The port of {port} or {port:NAME}. std::out_of_range names the ports there are.
  [[nodiscard]] std::uint16_t port(const std::string& port_name = "") const;
  [[nodiscard]] std::string host() const;  // 127.0.0.1, ::1 for one that listens there alone, or its private address
  // A connected TCP socket, in blocking mode and close-on-exec, to {port} or {port:NAME}: the caller closes it. The way
  // into a private network; for any other server what connect(2) does.
  // Blocks: until connected, at most `timeout` (scaled). Throws std::system_error, and std::out_of_range as port().
  [[nodiscard]] int ConnectTcp(const std::string& port_name = "", Duration timeout = std::chrono::seconds(5));
  // "http://127.0.0.1:PORT/path" of {port}.
  [[nodiscard]] std::string url(const std::string& path = "/") const;
  // {dir} and {socket} of this server.
  [[nodiscard]] const std::filesystem::path& dir() const;
  [[nodiscard]] std::filesystem::path socket() const;
  // What the named group, (?P<group>...), of a Ready::Log of the spec matched at the last start. std::out_of_range
  // names the groups that have matched.
  [[nodiscard]] const std::string& captured(const std::string& group) const;
  // The leader's process id. It may have ended; the number is not reused while the server is not stopped,
  // as long as the leader is alive.
  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] const Log& log() const;
  // What the last start met before it succeeded, one line each: ports that turned out to be taken, a server that
  // cannot bind over its reservation, a socket that is not provably the server's own. Empty as a rule.
  [[nodiscard]] const std::vector<std::string>& start_notes() const;
  // How the last start learnt that the server listens: "kernel event", "asking" (sock_diag), "reading" (/proc/net/tcp).
  [[nodiscard]] std::string learnt_by() const;
  // The living tree, now.
  [[nodiscard]] Tree tree() const;

  // Not stopped, and its leader (or, with `daemonizes`, anything of its tree) has not ended.
  [[nodiscard]] bool running();
  // How the leader ended, if it has.
  [[nodiscard]] std::optional<ExitStatus> exit_status();
  // Asks every probe of the spec once more, without waiting. Empty if all hold, else what they saw.
  [[nodiscard]] std::string WhyNotReady();

  // Stops the whole tree by the spec's policy and collects it; the port stays reserved for Restart.
  // Blocks: at most the sum of the policy's graces and a few seconds for the kernel to end what was killed.
  // Calling it again returns the first result.
  StopResult Stop();
  // Sends one signal to the leader. TERM, INT, QUIT, KILL and ABRT announce its death;
  // of any other signal only a death by that very signal is expected. SIGKILL reaches the leader
  // only; see Crash.
  void Signal(int signal);
  // SIGSTOP and SIGCONT to every process of the tree, to play a server that hangs.
  void Pause();
  void Resume();
  // SIGKILL to the whole tree at once, to play a power cut. Restart brings it back on the same port and dir.
  void Crash();
  // Stops it if it runs, then starts the same spec on the same ports and in the same directory.
  // Throws StartError.
  void Restart();
  // Waits for the leader to end by itself; std::nullopt when the timeout (scaled) ends first. Announces the
  // death.
  [[nodiscard]] std::optional<ExitStatus> WaitExit(Duration timeout);
  // From here on the leader may end without failing the test.
  void ExpectExit();
  // The leader has ended and nobody announced it.
  [[nodiscard]] bool died_unexpectedly();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace curfew
