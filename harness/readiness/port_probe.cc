// SPDX-License-Identifier: Apache-2.0
#include "readiness/port_probe.h"

#include <algorithm>

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

std::string Title(PortProbe::Protocol protocol, const std::string& name, std::uint16_t port) {
  return (protocol == PortProbe::Protocol::kUdp ? "UDP port " : "port ") + std::to_string(port) +
         (name.empty() ? "" : " {port:" + Printable(name) + "}");
}

}  // namespace

PortProbe::PortProbe(Protocol protocol, const std::string& port_name, const Subject& subject)
    : protocol_(protocol),
      port_(subject.address.port(port_name)),
      title_(Title(protocol, port_name, port_)),
      listeners_(protocol == Protocol::kTcp ? *subject.listeners : *subject.datagram_sockets),
      holds_(subject.holds),
      owner_(*subject.tree, *subject.proc),
      seen_(NotAsked(title_)) {}

Observation PortProbe::Look(Deadline) {
  return seen_ = Ask();
}

std::optional<std::string> PortProbe::Stranger() {
  return Ask().taken;
}

void PortProbe::ListenComes() {
  if (protocol_ != Protocol::kTcp || found_) return;
  listeners_.ListenComes(port_);
}

Observation PortProbe::Ask() {
  process::Result<std::vector<ListeningSocket>> sockets = listeners_.On(port_);
  if (sockets.ok() && !holds_.empty()) {
    std::erase_if(*sockets, [this](const ListeningSocket& socket) { return holds_.contains(socket.inode); });
  }
  found_ = !sockets.ok() || !sockets.value().empty();
  if (!sockets.ok()) return {.saw = title_ + ": failed to " + sockets.failure().ToString(), .taken = {}};
  if (sockets.value().empty())
    return {.saw = title_ + (protocol_ == Protocol::kTcp ? ": nobody listens" : ": nobody is bound to it"),
            .taken = {}};
  return Judge(sockets.value());
}

// Every socket has to be the server's, not one of them: whom a connection to "localhost", or one to a
// SO_REUSEPORT group, reaches is the kernel's choice.
Observation PortProbe::Judge(const std::vector<ListeningSocket>& sockets) {
  Observation seen{.satisfied = true, .saw = title_, .taken = {}};
  seen.saw += protocol_ == Protocol::kTcp ? ": the server listens on " : ": the server is bound to ";
  seen.by_ipv4 = std::ranges::any_of(sockets, [](const ListeningSocket& socket) { return socket.ReachedByIpv4(); });
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
        seen.unproven = true;
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
