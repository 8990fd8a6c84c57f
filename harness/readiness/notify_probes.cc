// SPDX-License-Identifier: Apache-2.0
#include "readiness/notify_probes.h"

#include "readiness/text.h"

namespace curfew::readiness {

NotifyProbe::NotifyProbe(const Subject& subject)
    : socket_(*subject.notify_socket), proc_(*subject.proc), owner_(*subject.tree, *subject.proc) {}

Observation NotifyProbe::Look(Deadline now) {
  Drain(now);
  return Describe();
}

void NotifyProbe::Attend() {
  Drain(process::Clock::Steady().Now());
}

void NotifyProbe::Drain(Deadline now) {
  socket_.Drain(now, [this](pid_t sender) -> std::optional<std::string> {
    if (owner_.InTree(sender)) return std::nullopt;
    const auto stat = proc_.ReadStat(sender);
    // It has ended, and a process of the tree has still to collect it.
    if (stat && owner_.InTree(stat->ppid)) return std::nullopt;
    if (stat) return owner_.Describe(sender);
    return "pid " + std::to_string(sender) + ", which had ended before anybody could see whose it was";
  });
}

void NotifyProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (socket_.fd() >= 0) descriptors.push_back({.fd = socket_.fd(), .events = POLLIN, .revents = 0});
}

Observation NotifyProbe::Describe() const {
  const NotifyNews& news = socket_.news();
  Observation seen{.satisfied = news.ready && !news.stopping, .saw = "notify: ", .taken = {}};
  seen.saw += news.ready ? "READY=1" : "no READY=1 yet";
  if (news.stopping) seen.saw += ", STOPPING=1: it is on its way down";
  if (!news.status.empty()) seen.saw += ", STATUS=" + Quoted(news.status);
  if (!news.error.empty()) seen.saw += ", ERRNO=" + Printable(news.error);
  if (!news.exit_status.empty()) seen.saw += ", EXIT_STATUS=" + Printable(news.exit_status);
  if (!news.main_pid.empty()) seen.saw += ", MAINPID=" + Printable(news.main_pid);
  if (news.refused > 0) {
    seen.saw += "; " + std::to_string(news.refused) + (news.refused == 1 ? " message" : " messages") +
                " refused, from no process of the server: " + news.refused_sender;
  }
  return seen;
}

Observation NotifyFdProbe::Look(Deadline) {
  pipe_.Drain();
  return Describe();
}

void NotifyFdProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (pipe_.fd() >= 0) descriptors.push_back({.fd = pipe_.fd(), .events = POLLIN, .revents = 0});
}

Observation NotifyFdProbe::Describe() const {
  if (pipe_.notified()) return {.satisfied = true, .saw = "notify_fd: a newline has come", .taken = {}};
  return {.satisfied = false,
          .saw = pipe_.ended() ? "notify_fd: closed without a newline (was {notify_fd} handed on?)"
                               : "notify_fd: no newline yet",
          .taken = {}};
}

}  // namespace curfew::readiness
