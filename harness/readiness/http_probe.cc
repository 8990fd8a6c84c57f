// SPDX-License-Identifier: Apache-2.0
#include "readiness/http_probe.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "readiness/text.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kExcerpt = 60;
constexpr Duration kRestOfBody = 1s;

HttpQuestion MakeQuestion(HttpProbe::Scheme scheme, const std::string& path, const Ready::HttpOptions& options,
                          const Subject& subject) {
  HttpQuestion question{.method = options.method, .target = path, .headers = options.headers, .body = options.body};
  if (scheme == HttpProbe::Scheme::kHttps) {
    question.tls = {.ca_file = options.ca_file.empty() ? options.ca_file : subject.address.dir / options.ca_file,
                    .unverified = options.unverified,
                    .server_name = options.server_name};
  }
  return question;
}

std::string Title(HttpProbe::Scheme scheme, const std::string& path, const Ready::HttpOptions& options) {
  return options.method + (scheme == HttpProbe::Scheme::kHttps ? " https " : " ") + path;
}

bool IsRedirection(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::optional<std::string> ResolveLocation(const std::string& location, const std::string& from,
                                           HttpProbe::Scheme scheme, std::uint16_t port) {
  std::string_view text = location;
  text = text.substr(0, text.find('#'));
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (text.empty() || !plain) return std::nullopt;
  if (const std::size_t colon = text.find("://"); colon != std::string_view::npos && colon < text.find('/')) {
    const std::string_view wanted = scheme == HttpProbe::Scheme::kHttps ? "https" : "http";
    if (text.substr(0, colon) != wanted) return std::nullopt;
    text.remove_prefix(colon + 3);
    const std::string authority(text.substr(0, text.find_first_of("/?")));
    text.remove_prefix(authority.size());
    const std::array<std::string, 3> ours = {"127.0.0.1:", "localhost:", "[::1]:"};
    const bool same = std::any_of(ours.begin(), ours.end(),
                                  [&](const std::string& host) { return authority == host + std::to_string(port); });
    if (!same) return std::nullopt;
    return text.starts_with('/') ? std::string(text) : '/' + std::string(text);
  }
  if (text.starts_with("//")) return std::nullopt;  // another authority
  if (text.starts_with('/')) return std::string(text);
  const std::string path = from.substr(0, from.find('?'));
  if (text.starts_with('?')) return path + std::string(text);
  return path.substr(0, path.rfind('/') + 1) + std::string(text);
}

HttpProbe::HttpProbe(Scheme scheme, const std::string& path, const Ready::HttpOptions& options, const Subject& subject)
    : scheme_(scheme),
      question_(MakeQuestion(scheme, path, options, subject)),
      title_(Title(scheme, path, options)),
      options_(options),
      listening_(PortProbe::Protocol::kTcp, options.port, subject),
      family_(AF_INET),
      deadline_(subject.deadline),
      attempts_(process::Scaled(options.attempt), 1ms, 10ms),
      seen_(NotAsked(title_)) {
  if (!options.matches.empty()) pattern_.emplace(options.matches);
}

Observation HttpProbe::Look(Deadline now) {
  return seen_ = Ask(now);
}

Observation HttpProbe::Ask(Deadline now) {
  if (attempt_) return GoOn(now);
  if (!attempts_.Due(now)) return seen_;

  Observation listening = listening_.Look(now);
  if (!listening.satisfied) {
    attempts_.Reset();
    return {.satisfied = false, .saw = title_ + ": " + listening.saw, .taken = std::move(listening.taken)};
  }
  attempts_.Begin(now);
  target_ = question_.target;
  followed_.clear();
  redirects_ = 0;
  good_until_.reset();
  attempt_.emplace(family_, listening_.port(), question_);
  return GoOn(now);
}

Observation HttpProbe::GoOn(Deadline now) {
  const HttpAttempt::State state = attempt_->Advance();
  if (state == HttpAttempt::State::kAnswered) return Answered(now, attempt_->text());
  if (state == HttpAttempt::State::kFailed) {
    // "::" with IPV6_V6ONLY looks like one that serves both: it is found out by being refused.
    if (attempt_->refused()) family_ = family_ == AF_INET ? AF_INET6 : AF_INET;
    return Conclude(now, false, attempt_->text());
  }
  if (now < Enough(now)) {
    // Mostly this is the last word; a server that has asked for more time may still say the rest.
    if (deadline_ && now >= *deadline_ && attempt_->status() != 0) {
      const std::string what = attempt_->text() + FindFault().value_or("");
      return {.satisfied = false, .saw = title_ + followed_ + ": " + what + " so far", .taken = {}};
    }
    // What the attempt before this one saw says more than that this one is under way.
    if (attempts_.next() && !seen_.satisfied) return seen_;
    return {.satisfied = false, .saw = title_ + ": " + attempt_->text() + " so far", .taken = {}};
  }
  // The status is what was asked for. A body without end (a stream of events) need not be waited for.
  if (attempt_->status() != 0) return Answered(now, attempt_->text());
  return Conclude(now, false, attempt_->text() + " in " + process::Describe(attempts_.limit()));
}

Observation HttpProbe::Answered(Deadline now, const std::string& what) {
  if (options_.redirects > 0 && IsRedirection(attempt_->status())) return Follow(now, what);
  const std::optional<std::string> fault = FindFault();
  if (!fault) {
    Observation listening = listening_.Look(now);
    // Who listens no more after he has answered has answered all the same; one who has his place may have done it.
    if (listening.taken) return ConcludeTaken(now, std::move(listening));
    if (listening.unproven) {
      Observation seen = Conclude(now, true, what + "; " + listening.saw);
      seen.unproven = true;
      return seen;
    }
  }
  return Conclude(now, !fault, what + fault.value_or(""));
}

Observation HttpProbe::ConcludeTaken(Deadline now, Observation listening) {
  Observation seen = Conclude(now, false, listening.saw);
  seen.taken = std::move(listening.taken);
  return seen;
}

Deadline HttpProbe::Enough(Deadline now) {
  if (attempt_->status() == 0) return attempts_.ends();
  const bool leads_on = options_.redirects > 0 && IsRedirection(attempt_->status());
  if (!good_until_ && !leads_on && !FindFault()) good_until_ = now + process::Scaled(kRestOfBody);
  // An answer that will do has to do when the start is over: there is no other attempt.
  if (good_until_ && deadline_) good_until_ = std::min(*good_until_, *deadline_);
  return std::min(attempts_.ends(), good_until_.value_or(attempts_.ends()));
}

Observation HttpProbe::Follow(Deadline now, const std::string& what) {
  const std::string location = attempt_->location();
  const auto target = ResolveLocation(location, target_, scheme_, listening_.port());
  if (!target) {
    return Conclude(now, false,
                    what + ", redirected to " + Quoted(location) + ", which is not this server: not followed");
  }
  if (redirects_ >= options_.redirects || now >= attempts_.ends()) {
    return Conclude(now, false,
                    what + ", the redirection after " + std::to_string(redirects_) + " others: in a circle?");
  }
  Observation listening = listening_.Look(now);
  if (!listening.satisfied) return ConcludeTaken(now, std::move(listening));
  ++redirects_;
  target_ = *target;
  followed_ += ", redirected to " + Printable(target_, kExcerpt);
  HttpQuestion next = question_;
  next.target = target_;
  attempt_.emplace(family_, listening_.port(), next);
  return GoOn(now);
}

std::optional<std::string> HttpProbe::FindFault() const {
  if (!Acceptable(attempt_->status())) return "";
  const std::string& body = attempt_->body();
  const std::string its_body = ", but its body " + Quoted(body, kExcerpt);
  if (!options_.contains.empty() && body.find(options_.contains) == std::string::npos) {
    return its_body + " does not contain " + Quoted(options_.contains, kExcerpt);
  }
  if (pattern_ && !pattern_->Matches(body)) return its_body + " does not match " + Quoted(options_.matches);
  return std::nullopt;
}

Observation HttpProbe::Conclude(Deadline now, bool satisfied, const std::string& what) {
  attempt_.reset();
  attempts_.End(now);
  Observation seen{.satisfied = satisfied, .saw = title_ + followed_ + ": " + what, .taken = {}};
  if (satisfied) seen.by_ipv4 = family_ == AF_INET;
  return seen;
}

bool HttpProbe::Acceptable(int status) const {
  return std::any_of(options_.status.begin(), options_.status.end(), [status](const Ready::Statuses& wanted) {
    return wanted.first <= status && status <= wanted.last;
  });
}

void HttpProbe::AddDescriptors(std::vector<pollfd>& descriptors) const {
  if (attempt_) descriptors.push_back(attempt_->Awaited());
}

std::optional<Deadline> HttpProbe::WantsLook() const {
  if (!attempt_) return attempts_.next();
  return std::min(attempts_.ends(), good_until_.value_or(attempts_.ends()));
}

}  // namespace curfew::readiness
