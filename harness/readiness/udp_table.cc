// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "procfs/net.h"
#include "readiness/diag_dump.h"
#include "readiness/listeners.h"

namespace curfew::readiness {
namespace {

using process::Failure;
using process::Result;
using Sockets = std::vector<ListeningSocket>;

inet_diag_req_v2 MakeRequest(int family, std::uint16_t port) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = IPPROTO_UDP;
  request.idiag_states = 1U << TCP_CLOSE;  // a UDP socket without a peer: it takes what anybody sends
  request.id.idiag_sport = htons(port);
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

void Append(std::span<const std::byte> answer, std::uint16_t port, Sockets& found) {
  inet_diag_msg message;
  if (answer.size() < sizeof message) return;
  std::memcpy(&message, answer.data(), sizeof message);
  std::array<char, INET6_ADDRSTRLEN> address{};
  ::inet_ntop(message.idiag_family, message.id.idiag_src, address.data(), address.size());
  // One that is bound to another device than loopback's, which is 1 everywhere, gets nothing of what is sent there.
  if (message.id.idiag_if > 1) return;
  if (ntohs(message.id.idiag_sport) != port || !ReachedByLoopback(address.data())) return;
  found.push_back(
      {.address = address.data(), .port = port, .inode = message.idiag_inode, .uid = message.idiag_uid});
}

// 0 or the errno.
int Dump(int family, std::uint16_t port, Sockets& found) {
  const inet_diag_req_v2 request = MakeRequest(family, port);
  return DumpSockets(std::as_bytes(std::span(&request, 1)),
                     [&](std::span<const std::byte> answer) { Append(answer, port, found); });
}

class DiagUdpTable final : public ListenerTable {
 public:
  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override {
    Sockets all;
    if (const int error = Dump(AF_INET, port, all)) {
      return Failure{"list the UDP sockets of port " + std::to_string(port), error};
    }
    // A kernel without IPv6 has none of its sockets.
    static_cast<void>(Dump(AF_INET6, port, all));
    return all;
  }
};

class ProcUdpTable final : public ListenerTable {
 public:
  explicit ProcUdpTable(const procfs::Proc& proc) : proc_(proc) {}

  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override {
    Sockets all;
    for (procfs::Listener& socket : procfs::ReadUdpSockets(proc_)) {
      if (socket.port != port || !ReachedByLoopback(socket.address)) continue;
      all.push_back(
          {.address = std::move(socket.address), .port = port, .inode = socket.inode, .uid = socket.uid});
    }
    return all;
  }

 private:
  const procfs::Proc& proc_;
};

}  // namespace

std::unique_ptr<ListenerTable> MakeProcUdpTable(const procfs::Proc& proc) {
  return std::make_unique<ProcUdpTable>(proc);
}

std::unique_ptr<ListenerTable> MakeUdpTable(const procfs::Proc& proc) {
  Sockets tried;
  if (Dump(AF_INET, 1, tried) != 0) return MakeProcUdpTable(proc);
  return std::make_unique<DiagUdpTable>();
}

}  // namespace curfew::readiness
