// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/listen_socket.h>
#include <curfew/network.h>
#include <curfew/port.h>
#include <curfew/ready.h>
#include <curfew/stop.h>

namespace curfew {

using namespace std::chrono_literals;

// What to launch and how to know that it is up. Plain data for designated initialisers.
//
// Placeholders are filled in wherever a field says so:
//   {port}, {port:NAME}  a TCP port that is reserved for this server until it is stopped for good
//   {host}               127.0.0.1, or the address of this server alone (private_address)
//   {dir}                a directory of this server's own, empty at first, removed in the end
//   {socket}             a path inside a short directory, fit for a Unix socket (unix(7): 107 bytes)
//   {notify_fd}          the number of the descriptor that Ready::NotifyFd reads
//   {captured:GROUP}     what a Ready::Log of a server that is up has captured under that name: of this run's servers
//                        the one that was started last; {captured:SERVER:GROUP} means the server of that name
// A word in braces that looks like a placeholder and is none of these is an error; write {{word}} to mean
// {word}. Braces around anything else, and ${word}, are left alone.
//
//   ServerSpec{.command = {"redis-server", "--port", "{port}", "--dir", "{dir}"}}
struct ServerSpec {
  // In reports and file names. Default: the last part of command[0], or "sh" for a shell line.
  std::string name = {};

  // argv, with placeholders. The program is looked for in PATH (that of `env` if it has one) when it holds
  // no '/', else relative to the test program's own working directory. Excludes `shell`.
  std::vector<std::string> command = {};

  // A line for /bin/sh -c, with placeholders. Excludes `command`.
  std::string shell = {};

  // Where the numbers of {port} ("") and {port:NAME} come from, if they are not to be reserved: see Port. A plain
  // number is one of your own choice.
  std::map<std::string, Port> ports = {};

  // {host} becomes an address 127.A.B.C that no other server on this machine has: so that many can run at once whose
  // ports are fixed, if they bind {host} and not every address.
  bool private_address = false;

  // Whether it has the machine's network or one of its own, in which fixed ports are always free.
  Network network = Network::Shared();

  // What the server finds open when it begins; goes with Ready::Activated().
  std::vector<ListenSocket> sockets = {};

  // How often a start is tried at most (1 to 100) when it fails because an address is taken: each time on fresh
  // ports, with an empty {dir}, and all under one ready_timeout. Numbers of your own choice are not changed. A server
  // that sets neither SO_REUSEADDR nor SO_REUSEPORT cannot bind over the reservation of its port: that is recognised,
  // and it is started once more with the reservation released just before. Server::start_notes() tells of both.
  int port_attempts = 3;

  // Added to, and overriding, the test program's environment, with placeholders in the values.
  std::map<std::string, std::string> env = {};

  // Where the server runs, with placeholders. Must exist. Default: {dir}.
  std::filesystem::path working_dir = {};

  // Templates to write before launch: file name inside {dir} -> text with placeholders.
  std::map<std::string, std::string> files = {};

  // When the server counts as ready, and for how long to wait for it (> 0, scaled by CURFEW_TIMEOUT_SCALE).
  Ready ready = Ready::Tcp();
  Duration ready_timeout = 30s;

  // How it is learnt that the server listens. By kernel event the server's calls of listen(2) are told as they happen
  // (a seccomp filter on that one system call): at once, and without any work while waiting. It changes nothing for
  // the server, but that it has a filter, and can set none of its own that notifies as well (container runtimes). Where
  // it is not to be had the kernel is asked again and again instead. Server::learnt_by() tells which way it was.
  //   absent  by kernel event where that has no side effect: with CAP_SYS_ADMIN
  //   true    also without: the server runs with no_new_privs then: set-user-id programs it begins get no privileges
  //   false   never
  std::optional<bool> kernel_event = {};

  // How it is stopped. Graces must not be negative; they are scaled by CURFEW_TIMEOUT_SCALE.
  StopPolicy stop = {};

  // The leader may exit with status 0 and leave a daemon behind as the real server; such orphans are then
  // no leak. Without it a leader that exits before it is ready is StartError::kDiedEarly.
  bool daemonizes = false;

  // Everything begun by this server lives in a PID namespace of its own and cannot leave it; when the server is
  // stopped, or whoever answers for it dies, the kernel ends all of it in one step. Without the privilege for that
  // (CAP_SYS_ADMIN) it comes with a user namespace. A start that cannot have it is StartError::kCouldNotLaunch and says
  // why.
  //
  // What the server notices: its own numbers (getpid() is 2, pid files and logs hold such numbers; pid() here is the
  // one outside), a parent 0, a /proc that shows its own processes only, and nobody else to signal. With a
  // user namespace also: it cannot become another user, set-uid programs have no effect, and files of others
  // belong to "nobody". Network, files and everything else are the same.
  //
  // CURFEW_CONTAINMENT=sealed does this to every server, =basic to none.
  bool sealed = false;

  // The leader gets a session of its own, or, if false, only a process group of its own.
  bool own_session = true;
};

}  // namespace curfew
