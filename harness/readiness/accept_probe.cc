// SPDX-License-Identifier: Apache-2.0
#include "readiness/accept_probe.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "process/names.h"
#include "readiness/loopback.h"

namespace curfew::readiness {

using namespace std::chrono_literals;

AcceptProbe::AcceptProbe(const std::string& port_name, Duration attempt, const Subject& subject)
    : listening_(PortProbe::Protocol::kTcp, port_name, subject),
      title_("connection to port " + std::to_string(listening_.port())),
      family_(AF_INET),
      attempts_(process::Scaled(attempt), 1ms, 10ms),
      seen_(NotAsked(title_)) {}

Observation AcceptProbe::Look(Deadline now) {
  return seen_ = Ask(now);
}

Observation AcceptProbe::Ask(Deadline now) {
  if (socket_.valid()) return GoOn(now);
  if (!attempts_.Due(now)) return seen_;
  Observation listening = listening_.Look(now);
  if (!listening.satisfied) {
    attempts_.Reset();
    return {.satisfied = false, .saw = title_ + ": " + listening.saw, .taken = std::move(listening.taken)};
  }
  attempts_.Begin(now);
  process::Result<process::FileDescriptor> begun = BeginConnection(family_, listening_.port());
  if (!begun.ok()) return Conclude(now, false, "failed to " + begun.failure().ToString());
  socket_ = std::move(*begun);
  return GoOn(now);
}

Observation AcceptProbe::GoOn(Deadline now) {
  pollfd connected{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&connected, 1, 0) > 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
      // Before it was asked the server listened; whoever has taken its place since may have been reached instead.
      Observation listening = listening_.Look(now);
      const std::string doubt = listening.unproven ? "; " + listening.saw : "";
      Observation seen = Conclude(now, !listening.taken, listening.taken ? listening.saw : "accepted" + doubt);
      seen.taken = std::move(listening.taken);
      seen.unproven = listening.unproven;
      seen.by_ipv4 = family_ == AF_INET;
      return seen;
    }
    // "::" with IPV6_V6ONLY looks like one that serves both: it is found out by being refused.
    if (error == ECONNREFUSED) family_ = family_ == AF_INET ? AF_INET6 : AF_INET;
    return Conclude(now, false,
                    error == ECONNREFUSED ? "refused" : "failed: " + process::DescribeErrno(error));
  }
  if (now >= attempts_.ends()) {
    return Conclude(now, false,
                    "not accepted in " + process::Describe(attempts_.limit()) + " (its queue of connections is full?)");
  }
  if (attempts_.next() && !seen_.satisfied) return seen_;
  return {.satisfied = false, .saw = title_ + ": not accepted so far", .taken = {}};
}

Observation AcceptProbe::Conclude(Deadline now, bool accepted, const std::string& what) {
  socket_.Reset();
  attempts_.End(now);
  return {.satisfied = accepted, .saw = title_ + ": " + what, .taken = {}};
}

void AcceptProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (socket_.valid()) descriptors.push_back({.fd = socket_.get(), .events = POLLOUT, .revents = 0});
}

std::optional<Deadline> AcceptProbe::WantsLook() const {
  return socket_.valid() ? std::optional(attempts_.ends()) : attempts_.next();
}

}  // namespace curfew::readiness
