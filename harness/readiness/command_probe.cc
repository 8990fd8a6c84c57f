// SPDX-License-Identifier: Apache-2.0
#include "readiness/command_probe.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;

std::string Title(const std::vector<std::string>& argv) {
  ProcessInfo shown;
  shown.command = argv;
  for (std::string& word : shown.command) std::erase(word, kLateCapture.front());
  return "command " + shown.CommandLine(200);
}

}  // namespace

CommandProbe::CommandProbe(std::vector<std::string> argv, const Ready::CommandOptions& options, const Subject& subject)
    : argv_(std::move(argv)),
      env_(options.env),
      title_(Title(argv_)),
      runner_(*subject.commands),
      limit_(process::Scaled(options.attempt)),
      seen_(NotAsked(title_)) {}

Observation CommandProbe::Look(Deadline now) {
  return seen_ = Ask(now);
}

Observation CommandProbe::Ask(Deadline now) {
  if (!running_) {
    if (next_ && now < *next_) return seen_;
    running_ = runner_.Start(argv_, env_);
    began_ = now;
    killed_ = false;
  }
  if (const auto& end = running_->Advance()) return Conclude(now, *end);
  if (!killed_ && now >= began_ + limit_) {
    killed_ = true;
    running_->Kill();
    if (const auto& end = running_->Advance()) return Conclude(now, *end);
  }
  if (killed_) return {.satisfied = false, .saw = title_ + Killed() + " and not gone yet", .taken = {}};
  // What the run before this one showed says more than that this one is under way.
  if (next_ && !seen_.satisfied) return seen_;
  return {.satisfied = false, .saw = title_ + ": is running", .taken = {}};
}

std::string CommandProbe::Killed() const { return ": still running after " + process::Describe(limit_) + ", killed"; }

Observation CommandProbe::Conclude(Deadline now, const CommandEnd& end) {
  Observation seen{.satisfied = !killed_ && end.status == ExitStatus::Exited(0), .saw = title_, .taken = {}};
  if (killed_) {
    seen.saw += Killed();
  } else {
    seen.saw += ": " + (end.status ? end.status->ToString() : end.failure);
  }
  if (end.left_behind > 0) {
    seen.saw += ", with " + std::to_string(end.left_behind) + (end.left_behind == 1 ? " process" : " processes") +
                " it had begun, which were ended";
  }
  if (!end.last_line.empty()) seen.saw += ": " + Quoted(end.last_line);
  running_.reset();
  next_ = now + std::max<Duration>(20ms, now - began_);
  return seen;
}

void CommandProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (running_) descriptors.push_back({.fd = running_->fd(), .events = POLLIN, .revents = 0});
}

std::optional<Deadline> CommandProbe::WantsLook() const {
  if (!running_) return next_;
  return killed_ ? std::nullopt : std::optional(began_ + limit_);
}

}  // namespace curfew::readiness
