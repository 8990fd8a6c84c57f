// SPDX-License-Identifier: Apache-2.0
#include "readiness/http_probe.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAttempt = 1s;

Duration PauseAfter(Duration waited) {
  return std::clamp<Duration>(waited / 20, 1ms, 10ms);
}

}  // namespace

HttpProbe::HttpProbe(std::string path, const Ready::HttpOptions& options, const Subject& subject)
    : path_(std::move(path)),
      title_("GET " + path_),
      options_(options),
      listening_(options.port, subject),
      family_(AF_INET),
      seen_(NotAsked(title_)) {}

Observation HttpProbe::Look(Deadline now) {
  return seen_ = Ask(now);
}

Observation HttpProbe::Ask(Deadline now) {
  if (attempt_) return GoOn(now);
  if (next_attempt_ && now < *next_attempt_) return seen_;

  Observation listening = listening_.Look(now);
  if (!listening.satisfied) {
    next_attempt_.reset();
    return {.saw = title_ + ": " + listening.saw, .taken = std::move(listening.taken)};
  }
  if (!first_attempt_) first_attempt_ = now;
  attempt_.emplace(family_, listening_.port(), path_);
  attempt_ends_ = now + process::Scaled(kAttempt);
  return GoOn(now);
}

Observation HttpProbe::GoOn(Deadline now) {
  const HttpAttempt::State state = attempt_->Advance();
  if (state == HttpAttempt::State::kAnswered) return Conclude(now, attempt_->text());
  if (state == HttpAttempt::State::kFailed) {
    // "::" with IPV6_V6ONLY looks like one that serves both: it is found out by being refused.
    if (attempt_->refused()) family_ = family_ == AF_INET ? AF_INET6 : AF_INET;
    return Conclude(now, attempt_->text());
  }
  if (now < attempt_ends_) {
    // What the attempt before this one saw says more than that this one is under way.
    if (next_attempt_ && !seen_.satisfied) return seen_;
    return {.saw = title_ + ": " + attempt_->text() + " so far", .taken = {}};
  }
  const std::string limit = " in " + process::Describe(process::Scaled(kAttempt));
  // The status is what was asked for. A body without end (a stream of events) need not be waited for.
  return Conclude(now, attempt_->status() != 0 ? attempt_->text() : attempt_->text() + limit);
}

Observation HttpProbe::Conclude(Deadline now, const std::string& what) {
  const bool satisfied = Acceptable(attempt_->status());
  attempt_.reset();
  next_attempt_ = now + PauseAfter(now - *first_attempt_);
  return {.satisfied = satisfied, .saw = title_ + ": " + what, .taken = {}};
}

bool HttpProbe::Acceptable(int status) const {
  return options_.min_status <= status && status <= options_.max_status;
}

void HttpProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (attempt_) descriptors.push_back(attempt_->Awaited());
}

std::optional<Deadline> HttpProbe::WantsLook() const {
  return attempt_ ? attempt_ends_ : next_attempt_;
}

}  // namespace curfew::readiness
