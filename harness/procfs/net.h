// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <curfew/tree.h>

#include "procfs/proc.h"

namespace curfew::procfs {

// One listening TCP socket of this network namespace.
struct Listener {
  std::string address;  // "127.0.0.1", "0.0.0.0", "::1", "::"
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
};

// The listening sockets in text of /proc/net/tcp or tcp6. Lines that are not whole are passed over.
[[nodiscard]] std::vector<Listener> ParseNetTcp(std::string_view text);

// All listening TCP sockets, v4 and v6, from <root>/net/tcp{,6}. Walks the kernel's whole connection table
// (milliseconds): for evidence, not for waiting.
[[nodiscard]] std::vector<Listener> ReadListeners(const Proc& proc);
// Those of the network namespace that this process is in.
[[nodiscard]] std::vector<Listener> ReadListeners(const Proc& proc, pid_t pid);

// The UDP sockets that are bound and connected to nobody, in text of /proc/net/udp or udp6, and in both.
[[nodiscard]] std::vector<Listener> ParseNetUdp(std::string_view text);
[[nodiscard]] std::vector<Listener> ReadUdpSockets(const Proc& proc);

// Fills in `ports` of every process of the list from one read of the table.
void FillPorts(const Proc& proc, std::vector<ProcessInfo>& processes);

}  // namespace curfew::procfs
