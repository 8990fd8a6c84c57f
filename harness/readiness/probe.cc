// SPDX-License-Identifier: Apache-2.0
#include "readiness/probe.h"

#include <utility>

#include "readiness/group_probe.h"
#include "readiness/http_probe.h"
#include "readiness/log_probe.h"
#include "readiness/simple_probes.h"
#include "readiness/sleep.h"
#include "readiness/tcp_probe.h"
#include "readiness/unix_probe.h"

namespace curfew::readiness {
namespace {

std::unique_ptr<Probe> MakeGroup(GroupProbe::Needs needs, const Ready& ready, const Subject& subject) {
  std::vector<std::unique_ptr<Probe>> parts;
  for (const Ready& part : ready.parts()) parts.push_back(MakeProbe(part, subject));
  return std::make_unique<GroupProbe>(needs, std::move(parts));
}

}  // namespace

std::unique_ptr<Probe> MakeProbe(const Ready& ready, const Subject& subject) {
  switch (ready.kind()) {
    case Ready::Kind::kTcp:
      return std::make_unique<TcpProbe>(ready.subject(), subject);
    case Ready::Kind::kHttp:
      return std::make_unique<HttpProbe>(ready.subject(), ready.http(), subject);
    case Ready::Kind::kUnix:
      return std::make_unique<UnixProbe>(subject.address.dir / ready.subject(), subject);
    case Ready::Kind::kLog:
      return std::make_unique<LogProbe>(ready.subject(), subject);
    case Ready::Kind::kFile:
      return std::make_unique<FileProbe>(subject.address.dir / ready.subject());
    case Ready::Kind::kWhen:
      return std::make_unique<WhenProbe>(ready.predicate(), subject.address);
    case Ready::Kind::kAny:
      return MakeGroup(GroupProbe::Needs::kAny, ready, subject);
    case Ready::Kind::kAll:
      break;
  }
  return MakeGroup(GroupProbe::Needs::kAll, ready, subject);
}

std::vector<Observation> AskOnce(Probe& probe, const process::Clock& clock) {
  // An attempt limits itself; this ends it where one part begins anew while another is still under way.
  const Deadline enough = clock.Now() + 2 * process::Scaled(std::chrono::seconds(1));
  Deadline now = clock.Now();
  while (true) {
    if (probe.Look(now).satisfied) return {};
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
