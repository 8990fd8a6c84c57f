// SPDX-License-Identifier: Apache-2.0
#include "readiness/discover_probe.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

std::string Placeholder(const std::string& name) {
  return name.empty() ? "{port}" : "{port:" + Printable(name) + "}";
}

// The one that is meant, or 0. `threw`: what the user's function threw instead of an answer.
std::uint16_t Choose(const Port& port, const std::vector<Listening>& ours, std::string& threw) {
  if (port.matches()) {
    try {
      const auto match = std::ranges::find_if(ours, port.matches());
      return match == ours.end() ? std::uint16_t{0} : match->port;
    } catch (const std::exception& error) {
      threw = " (its function threw " + Quoted(error.what(), 1000) + ")";
    } catch (...) {
      threw = " (its function threw something that is no std::exception)";
    }
    return 0;
  }
  const auto n = static_cast<std::size_t>(port.number());
  return n < ours.size() ? ours[n].port : std::uint16_t{0};
}

}  // namespace

DiscoverProbe::DiscoverProbe(std::map<std::string, Port> wanted, std::set<std::uint16_t> known, const Subject& subject)
    : wanted_(std::move(wanted)),
      known_(std::move(known)),
      tree_(*subject.tree),
      proc_(*subject.proc),
      listeners_(*subject.listeners),
      host_(subject.address.host),
      seen_(NotAsked("ports to discover")) {}

Observation DiscoverProbe::Look(Deadline) {
  seen_ = {};
  found_.clear();
  const process::Result<std::vector<ListeningSocket>> sockets = listeners_.All();
  if (!sockets.ok()) {
    seen_.saw = "ports to discover: failed to " + sockets.failure().ToString();
    return seen_;
  }
  const std::vector<Listening> ours = Ours(sockets.value());
  seen_.saw = "ports to discover: the server listens on";
  for (const Listening& one : ours) seen_.saw += ' ' + std::to_string(one.port);
  if (ours.empty()) {
    seen_.saw +=
        known_.empty() ? " none that a connection to " + host_ + " reaches" : " none besides those of the spec";
  }
  for (const auto& [name, port] : wanted_) {
    std::string threw;
    const std::uint16_t number = Choose(port, ours, threw);
    if (number != 0) found_[name] = number;
    seen_.saw +=
        ", " + Placeholder(name) + (number == 0 ? " is not there yet" : " is " + std::to_string(number)) + threw;
  }
  seen_.satisfied = found_.size() == wanted_.size();
  return seen_;
}

bool DiscoverProbe::StillThere() const {
  const process::Result<std::vector<ListeningSocket>> sockets = listeners_.All();
  if (!sockets.ok()) return true;
  const std::vector<Listening> ours = Ours(sockets.value());
  return std::ranges::all_of(found_, [&ours](const auto& found) {
    return std::ranges::any_of(ours, [&found](const Listening& one) { return one.port == found.second; });
  });
}

std::vector<Listening> DiscoverProbe::Ours(const std::vector<ListeningSocket>& sockets) const {
  std::map<std::uint64_t, const ListeningSocket*> by_inode;
  for (const ListeningSocket& socket : sockets) {
    if (!known_.contains(socket.port)) by_inode.emplace(socket.inode, &socket);
  }
  std::vector<Listening> ours;
  if (by_inode.empty()) return ours;
  const auto take = [&](pid_t pid) {
    // In the order of the descriptors: the kernel lists them so.
    for (const std::uint64_t inode : proc_.SocketInodes(pid).value_or(std::vector<std::uint64_t>())) {
      const auto socket = by_inode.find(inode);
      if (socket == by_inode.end()) continue;
      const auto& [address, port] = std::pair(socket->second->address, socket->second->port);
      const bool again =
          std::ranges::any_of(ours, [port = port](const Listening& other) { return other.port == port; });
      if (!again) ours.push_back({.address = address, .port = port, .pid = pid});
    }
  };
  take(tree_.Leader());
  // Else the number has been another's, and so is what was found.
  if (!tree_.LeaderLives()) ours.clear();
  std::vector<pid_t> others = tree_.Pids();
  std::ranges::sort(others);
  for (const pid_t pid : others) {
    if (pid != tree_.Leader()) take(pid);
  }
  return ours;
}

}  // namespace curfew::readiness
