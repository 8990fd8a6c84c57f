// SPDX-License-Identifier: Apache-2.0
#include "readiness/listeners.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "procfs/net.h"
#include "readiness/sock_diag.h"

namespace curfew::readiness {
namespace {

using process::Result;
using Sockets = std::vector<ListeningSocket>;

class DiagTable final : public ListenerTable {
 public:
  explicit DiagTable(SockDiag diag) : diag_(std::move(diag)) {}

  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override {
    for (const int family : Families()) {
      const Result<std::optional<ListeningSocket>> found = diag_.Exact(family, port);
      if (!found.ok()) return found.failure();
      // Somebody listens. The exact answer is one socket, of a SO_REUSEPORT group any: now all are wanted.
      if (found.value()) return AllOn(port);
    }
    return Sockets();
  }

 private:
  [[nodiscard]] std::span<const int> Families() const {
    static constexpr std::array<int, 2> kFamilies = {AF_INET, AF_INET6};
    return std::span(kFamilies).first(diag_.has_ipv6() ? 2 : 1);
  }

  [[nodiscard]] Result<Sockets> AllOn(std::uint16_t port) {
    Sockets all;
    for (const int family : Families()) {
      Result<Sockets> found = diag_.All(family, port);
      if (!found.ok()) return found.failure();
      for (ListeningSocket& socket : *found) {
        if (ReachedByLoopback(socket.address)) all.push_back(std::move(socket));
      }
    }
    return all;
  }

  SockDiag diag_;
};

class ProcTable final : public ListenerTable {
 public:
  explicit ProcTable(const procfs::Proc& proc) : proc_(proc) {}

  [[nodiscard]] std::string way() const override { return "reading"; }

  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override {
    Sockets all;
    for (procfs::Listener& listener : procfs::ReadListeners(proc_)) {
      if (listener.port != port || !ReachedByLoopback(listener.address)) continue;
      all.push_back({.address = std::move(listener.address),
                     .port = port,
                     .inode = listener.inode,
                     .uid = listener.uid});
    }
    return all;
  }

 private:
  const procfs::Proc& proc_;
};

}  // namespace

bool ReachedByLoopback(std::string_view address) {
  constexpr std::array<std::string_view, 6> kAddresses = {"127.0.0.1", "0.0.0.0",          "::1",
                                                          "::",        "::ffff:127.0.0.1", "::ffff:0.0.0.0"};
  return std::find(kAddresses.begin(), kAddresses.end(), address) != kAddresses.end();
}

std::string ListeningSocket::ToString() const {
  const bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
}

std::unique_ptr<ListenerTable> MakeProcListenerTable(const procfs::Proc& proc) {
  return std::make_unique<ProcTable>(proc);
}

std::unique_ptr<ListenerTable> MakeListenerTable(const procfs::Proc& proc) {
  Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) return MakeProcListenerTable(proc);
  return std::make_unique<DiagTable>(std::move(*diag));
}

}  // namespace curfew::readiness
