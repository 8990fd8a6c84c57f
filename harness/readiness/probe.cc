// SPDX-License-Identifier: Apache-2.0
#include "readiness/probe.h"

#include <algorithm>
#include <utility>

#include "readiness/accept_probe.h"
#include "readiness/activated_probe.h"
#include "readiness/command_probe.h"
#include "readiness/group_probe.h"
#include "readiness/http_probe.h"
#include "readiness/log_probe.h"
#include "readiness/notify_probes.h"
#include "readiness/port_probe.h"
#include "readiness/simple_probes.h"
#include "readiness/sleep.h"
#include "readiness/stays_probe.h"
#include "readiness/unix_probe.h"

namespace curfew::readiness {
namespace {

using Asks = GroupProbe::Asks;

std::unique_ptr<Probe> Make(const Ready& ready, const Subject& subject, Asks asks);

std::unique_ptr<Probe> MakeGroup(GroupProbe::Needs needs, const Ready& ready, const Subject& subject, Asks asks) {
  std::vector<std::unique_ptr<Probe>> parts;
  for (const Ready& part : ready.parts()) parts.push_back(Make(part, subject, asks));
  return std::make_unique<GroupProbe>(needs, std::move(parts), asks);
}

std::unique_ptr<Probe> Make(const Ready& ready, const Subject& subject, Asks asks) {
  const auto path = [&] { return subject.address.dir / ready.subject(); };
  const auto before = [&]() -> std::optional<FileVersion> {
    const auto found = subject.files_before.find(path().native());
    return found == subject.files_before.end() ? std::nullopt : std::optional(found->second);
  };
  switch (ready.kind()) {
    case Ready::Kind::kTcp:
      return std::make_unique<PortProbe>(PortProbe::Protocol::kTcp, ready.subject(), subject);
    case Ready::Kind::kTcpAccept:
      return std::make_unique<AcceptProbe>(ready.subject(), ready.duration(), subject);
    case Ready::Kind::kUdp:
      return std::make_unique<PortProbe>(PortProbe::Protocol::kUdp, ready.subject(), subject);
    case Ready::Kind::kUnix:
    case Ready::Kind::kUnixDatagram:
      return std::make_unique<UnixProbe>(
          ready.kind() == Ready::Kind::kUnix ? UnixProbe::Type::kStream : UnixProbe::Type::kDatagram,
          AddressOf(ready.subject(), subject.address), subject);
    case Ready::Kind::kHttp:
      return std::make_unique<HttpProbe>(HttpProbe::Scheme::kHttp, ready.subject(), ready.http(), subject);
    case Ready::Kind::kHttps:
      return std::make_unique<HttpProbe>(HttpProbe::Scheme::kHttps, ready.subject(), ready.http(), subject);
    case Ready::Kind::kLog:
      return std::make_unique<LogProbe>(ready.subject(), ready.log(), subject);
    case Ready::Kind::kFileSettled:
      if (!subject.once) return std::make_unique<SettledProbe>(path(), process::Scaled(ready.duration()), before());
      [[fallthrough]];
    case Ready::Kind::kFile:
      return std::make_unique<FileProbe>(path(), before());
    case Ready::Kind::kCommand:
      return std::make_unique<CommandProbe>(ready.argv(), ready.command(), subject);
    case Ready::Kind::kNotify:
      return std::make_unique<NotifyProbe>(subject);
    case Ready::Kind::kNotifyFd:
      return std::make_unique<NotifyFdProbe>(subject);
    case Ready::Kind::kActivated:
      return std::make_unique<ActivatedProbe>();
    case Ready::Kind::kWhen:
      return std::make_unique<WhenProbe>(ready.predicate(), subject.address);
    case Ready::Kind::kStaysReady: {
      auto probe = Make(ready.parts().front(), subject, Asks::kEachTime);
      if (subject.once) return probe;
      return std::make_unique<StaysProbe>(std::move(probe), process::Scaled(ready.duration()));
    }
    case Ready::Kind::kAny:
      return MakeGroup(GroupProbe::Needs::kAny, ready, subject, asks);
    case Ready::Kind::kAll:
      break;
  }
  return MakeGroup(GroupProbe::Needs::kAll, ready, subject, asks);
}

// Attempts limit themselves; this ends it where one part begins anew while another is still under way.
Duration LongestAttempt(const Probe& probe, Deadline now) {
  return std::max<Duration>(process::Scaled(std::chrono::seconds(1)), probe.WantsLook().value_or(now) - now);
}

}  // namespace

std::unique_ptr<Probe> MakeProbe(const Ready& ready, const Subject& subject) {
  return Make(ready, subject, Asks::kUntilHeld);
}

UnixAddress AddressOf(const std::string& path, const ServerAddress& server) {
  return {.text = path.starts_with('@') ? path : (server.dir / path).native()};
}

std::vector<Observation> AskOnce(Probe& probe, const process::Clock& clock) {
  Deadline now = clock.Now();
  std::optional<Deadline> limit;
  while (true) {
    if (probe.Look(now).satisfied) return {};
    if (!limit) limit = now + 2 * LongestAttempt(probe, now);
    const Deadline enough = *limit;
    if (!probe.Busy() || now >= enough) break;
    std::vector<pollfd> descriptors;
    probe.AddDescriptors(descriptors);
    Sleep(descriptors, now, std::min(enough, probe.WantsLook().value_or(enough)));
    now = clock.Now();
  }
  std::vector<Observation> seen;
  probe.AppendSeen(seen);
  return seen;
}

}  // namespace curfew::readiness
