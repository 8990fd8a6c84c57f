// SPDX-License-Identifier: Apache-2.0
#include "readiness/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "process/clock.h"
#include "procfs/net.h"
#include "readiness/sock_diag.h"

namespace curfew::readiness {
namespace {

using process::Result;
using Sockets = std::vector<ListeningSocket>;

constexpr Duration kNoteHolds = std::chrono::milliseconds(2);
constexpr std::string_view kLoopback = "127.0.0.1";

// Whether a connection to the host (127.0.0.1: or to ::1) may end at a socket bound to this address.
bool Reached(std::string_view address, std::string_view host) {
  constexpr std::array<std::string_view, 3> kEvery = {"0.0.0.0", "::", "::ffff:0.0.0.0"};
  if (std::find(kEvery.begin(), kEvery.end(), address) != kEvery.end()) return true;
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  return address == host || (address == "::1" && host == kLoopback);
}

std::uint32_t Ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ? ntohl(address.s_addr) : INADDR_LOOPBACK;
}

class DiagTable final : public ListenerTable {
 public:
  DiagTable(SockDiag diag, std::string host) : diag_(std::move(diag)), host_(std::move(host)), ipv4_(Ipv4(host_)) {}

  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override {
    const auto note = notes_.find(port);
    const bool noted = note != notes_.end() && std::chrono::steady_clock::now() < note->second.until;
    if (noted && !note->second.there.empty()) return std::move(notes_.extract(note).mapped().there);
    const bool nobody_else = noted;
    Sockets exact;
    for (const int family : Families()) {
      const Result<std::optional<ListeningSocket>> found = diag_.Exact(family, port, ipv4_);
      if (!found.ok()) return found.failure();
      if (!found.value()) continue;
      // Somebody listens. The exact answer is one socket, of a SO_REUSEPORT group any: now all are wanted.
      if (!nobody_else) return AllOn(port);
      // A socket of both families is the answer for each.
      if (exact.empty() || exact.front().inode != found.value()->inode) exact.push_back(*found.value());
    }
    return exact;
  }

  void ListenComes(std::uint16_t port) override {
    auto there = AllOn(port);
    if (there.ok()) notes_[port] = {.there = std::move(*there), .until = std::chrono::steady_clock::now() + kNoteHolds};
  }

  [[nodiscard]] Result<Sockets> All() override { return AllOn(0); }

 private:
  [[nodiscard]] std::span<const int> Families() const {
    static constexpr std::array<int, 2> kFamilies = {AF_INET, AF_INET6};
    return std::span(kFamilies).first(diag_.has_ipv6() ? 2 : 1);
  }

  [[nodiscard]] Result<Sockets> AllOn(std::uint16_t port) {
    Sockets all;
    const auto take = [&](Sockets& found) {
      for (ListeningSocket& socket : found) {
        if (Reached(socket.address, host_)) all.push_back(std::move(socket));
      }
    };
    if (Result<Sockets> both = diag_.All(AF_UNSPEC, port); both.ok()) {
      take(*both);
      return all;
    }
    for (const int family : Families()) {
      Result<Sockets> found = diag_.All(family, port);
      if (!found.ok()) return found.failure();
      take(*found);
    }
    return all;
  }

  SockDiag diag_;
  std::string host_;
  std::uint32_t ipv4_;
  // Who was there a moment ago. Somebody: that is the answer to the next question. Nobody: it may be a short one.
  struct Note {
    Sockets there;
    Deadline until;
  };
  std::map<std::uint16_t, Note> notes_;
};

class ProcTable final : public ListenerTable {
 public:
  ProcTable(const procfs::Proc& proc, std::string host) : proc_(proc), host_(std::move(host)) {}

  [[nodiscard]] std::string way() const override { return "reading"; }
  [[nodiscard]] Result<Sockets> On(std::uint16_t port) override { return Read(port); }
  [[nodiscard]] Result<Sockets> All() override { return Read(0); }

 private:
  [[nodiscard]] Sockets Read(std::uint16_t port) const {
    Sockets all;
    for (procfs::Listener& listener : procfs::ReadListeners(proc_)) {
      if ((port != 0 && listener.port != port) || !Reached(listener.address, host_)) continue;
      all.push_back({.address = std::move(listener.address),
                     .port = listener.port,
                     .inode = listener.inode,
                     .uid = listener.uid});
    }
    return all;
  }

  const procfs::Proc& proc_;
  std::string host_;
};

}  // namespace

bool ReachedByLoopback(std::string_view address) {
  constexpr std::array<std::string_view, 6> kAddresses = {"127.0.0.1", "0.0.0.0",          "::1",
                                                          "::",        "::ffff:127.0.0.1", "::ffff:0.0.0.0"};
  return std::find(kAddresses.begin(), kAddresses.end(), address) != kAddresses.end();
}

bool ListeningSocket::ReachedByIpv4() const {
  if (address.find(':') == std::string::npos || address.starts_with("::ffff:")) return true;
  return address == "::" && !ipv6_only;
}

std::string ListeningSocket::ToString() const {
  const bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? '[' + address + ']' : address) + ':' + std::to_string(port) + where;
}

std::unique_ptr<ListenerTable> MakeProcListenerTable(const procfs::Proc& proc, const std::string& host) {
  return std::make_unique<ProcTable>(proc, host);
}

std::unique_ptr<ListenerTable> MakeDiagTable(SockDiag diag, const std::string& host) {
  return std::make_unique<DiagTable>(std::move(diag), host);
}

std::unique_ptr<ListenerTable> MakeListenerTable(const procfs::Proc& proc, const std::string& host) {
  Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) return MakeProcListenerTable(proc, host);
  return MakeDiagTable(std::move(*diag), host);
}

}  // namespace curfew::readiness
