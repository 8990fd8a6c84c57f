// SPDX-License-Identifier: Apache-2.0
#include "readiness/tcp_probe.h"

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

std::string Title(const std::string& name, std::uint16_t port) {
  return "port " + std::to_string(port) + (name.empty() ? "" : " {port:" + Printable(name) + "}");
}

}  // namespace

TcpProbe::TcpProbe(const std::string& port_name, const Subject& subject)
    : port_(subject.address.port(port_name)),
      title_(Title(port_name, port_)),
      listeners_(*subject.listeners),
      owner_(*subject.tree, *subject.proc),
      seen_(NotAsked(title_)) {}

Observation TcpProbe::Look(Deadline) {
  return seen_ = Ask();
}

std::optional<std::string> TcpProbe::Stranger() {
  return Ask().taken;
}

Observation TcpProbe::Ask() {
  const process::Result<std::vector<ListeningSocket>> sockets = listeners_.On(port_);
  found_ = !sockets.ok() || !sockets.value().empty();
  if (!sockets.ok()) return {.saw = title_ + ": failed to " + sockets.failure().ToString(), .taken = {}};
  if (sockets.value().empty()) return {.saw = title_ + ": nobody listens", .taken = {}};
  return Judge(sockets.value());
}

// Every socket has to be the server's, not one of them: whom a connection to "localhost", or one to a
// SO_REUSEPORT group, reaches is the kernel's choice.
Observation TcpProbe::Judge(const std::vector<ListeningSocket>& sockets) {
  Observation seen{.satisfied = true, .saw = title_ + ": the server listens on ", .taken = {}};
  for (const ListeningSocket& socket : sockets) {
    const Ownership whose = owner_.Of(socket.inode, socket.uid);
    const std::string held = title_ + ": " + socket.ToString() + " is held by " + whose.holder;
    switch (whose.verdict) {
      case Ownership::Verdict::kStrangers:
        return {.satisfied = false, .saw = held, .taken = held};
      case Ownership::Verdict::kUnclear:
        return {.satisfied = false, .saw = held, .taken = {}};
      case Ownership::Verdict::kNotProvable:
        seen.saw += socket.ToString() + " (not provable: " + whose.holder + ")";
        break;
      case Ownership::Verdict::kOurs:
        seen.saw += socket.ToString();
        break;
    }
    if (&socket != &sockets.back()) seen.saw += ", ";
  }
  return seen;
}

}  // namespace curfew::readiness
