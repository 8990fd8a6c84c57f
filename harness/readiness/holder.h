// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

#include "procfs/proc.h"

namespace curfew::readiness {

// Who somebody is that has what a server needs: `pid 4711 (redis-server *:6379), server "redis" of run 12ab`, and
// whether that run is over: then it is an orphan of an earlier run, and nobody will miss it.
[[nodiscard]] std::string DescribeHolder(const procfs::Proc& proc, pid_t pid);

// A port that could not be had.
struct TakenPort {
  std::uint16_t number = 0;
  bool udp = false;
  std::string host = {};  // the one IPv4 address on which it was wanted; "": on every address
  std::set<std::uint64_t> holds = {};  // inodes of sockets that are not meant: those by which it is held for the server
};

// Who keeps a port from being bound, and how: `127.0.0.1:8080 is listened on by pid 4711 (nginx)`; also one that
// is only bound, and connections. Where no process that can be read holds it, the uid stands for one. Empty if nobody
// is to be seen: it was free again, or the kernel does not answer (sock_diag(7); bound sockets since Linux 6.8).
// Blocks: reads the descriptors of every process, some milliseconds on a busy machine.
[[nodiscard]] std::string DescribePortHolder(const procfs::Proc& proc, const TakenPort& port);

}  // namespace curfew::readiness
