// SPDX-License-Identifier: Apache-2.0
#include "procfs/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "procfs/text.h"

namespace curfew::procfs {
namespace {

// The kernel prints an address as one hexadecimal number per 32 bits, each read from network bytes in the
// machine's own order: put back in that order, the bytes are the network's again.
std::optional<std::string> ParseAddress(std::string_view hex) {
  constexpr std::size_t kDigits = 8;
  if (hex.size() != kDigits && hex.size() != 4 * kDigits) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < hex.size() / kDigits; ++i) {
    const auto word = ParseNumber<std::uint32_t>(hex.substr(i * kDigits, kDigits), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = hex.size() == kDigits ? AF_INET : AF_INET6;
  if (::inet_ntop(family, words.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return std::string(text.data());
}

// States of the kernel's tcp_states.h; a UDP socket without a peer is in the second.
constexpr std::string_view kListen = "0A";
constexpr std::string_view kClose = "07";

std::optional<Listener> ParseLine(std::string_view line, std::string_view state) {
  static_cast<void>(TakeWord(line));          // the slot
  std::string_view local = TakeWord(line);
  static_cast<void>(TakeWord(line));  // the remote end
  if (TakeWord(line) != state) return std::nullopt;
  for (int field = 0; field < 3; ++field) static_cast<void>(TakeWord(line));  // queues, timer, retransmits
  const auto uid = ParseNumber<std::uint32_t>(TakeWord(line));
  static_cast<void>(TakeWord(line));  // time-outs
  const auto inode = ParseNumber<std::uint64_t>(TakeWord(line));
  const auto address = ParseAddress(TakeUntil(local, ':'));
  const auto port = ParseNumber<std::uint16_t>(local, 16);
  // More follows the inode; without it the number itself may have been cut.
  if (!uid || !inode || !address || !port || line.empty()) return std::nullopt;
  return Listener{.address = *address, .port = *port, .inode = *inode, .uid = *uid};
}

std::vector<Listener> Parse(std::string_view text, std::string_view state) {
  std::vector<Listener> sockets;
  while (!text.empty()) {
    if (std::optional<Listener> socket = ParseLine(TakeUntil(text, '\n'), state)) {
      sockets.push_back(*std::move(socket));
    }
  }
  return sockets;
}

std::vector<Listener> Read(const std::string& directory, const std::string& table, std::string_view state) {
  std::vector<Listener> all;
  for (const char* version : {"", "6"}) {
    const std::optional<std::string> text = ReadWhole(directory + "/net/" + table + version);
    if (!text) continue;  // no such address family here
    std::vector<Listener> some = Parse(*text, state);
    all.insert(all.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
  }
  return all;
}

}  // namespace

std::vector<Listener> ParseNetTcp(std::string_view text) {
  return Parse(text, kListen);
}

std::vector<Listener> ReadListeners(const Proc& proc) {
  return Read(proc.root().native(), "tcp", kListen);
}

std::vector<Listener> ReadListeners(const Proc& proc, pid_t pid) {
  return Read(proc.root().native() + '/' + std::to_string(pid), "tcp", kListen);
}

std::vector<Listener> ParseNetUdp(std::string_view text) {
  return Parse(text, kClose);
}

std::vector<Listener> ReadUdpSockets(const Proc& proc) {
  return Read(proc.root().native(), "udp", kClose);
}

void FillPorts(const Proc& proc, std::vector<ProcessInfo>& processes) {
  if (processes.empty()) return;  // the kernel walks its whole table of connections for one reading: milliseconds
  std::map<std::uint64_t, std::uint16_t> port_of;
  for (const Listener& listener : ReadListeners(proc)) port_of[listener.inode] = listener.port;
  for (ProcessInfo& process : processes) {
    process.ports.clear();
    if (port_of.empty()) continue;
    for (const std::uint64_t inode : proc.SocketInodes(process.pid).value_or(std::vector<std::uint64_t>{})) {
      if (const auto found = port_of.find(inode); found != port_of.end())
        process.ports.push_back(found->second);
    }
    std::sort(process.ports.begin(), process.ports.end());
    // The same port on 127.0.0.1 and ::1 is one port.
    process.ports.erase(std::unique(process.ports.begin(), process.ports.end()), process.ports.end());
  }
}

}  // namespace curfew::procfs
