// SPDX-License-Identifier: Apache-2.0
#include "readiness/race.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "process/file_descriptor.h"
#include "readiness/output_watch.h"
#include "readiness/pacer.h"
#include "readiness/sleep.h"
#include "readiness/timer_slack.h"

namespace curfew::readiness {
namespace {

constexpr int kMostExtended = 10;
// A server that calls listen(2) again and again makes nobody look without a pause all the time.
constexpr int kMostHints = 64;
constexpr Duration kLongWait = std::chrono::hours(24);  // beyond that nobody needs more
constexpr Duration kFirstWord = std::chrono::seconds(2);
constexpr Duration kNextWord = std::chrono::milliseconds(500);

// Turns a request to stop, made by any thread, into a readable descriptor.
class CancelSignal {
 public:
  explicit CancelSignal(const std::stop_token& token)
      : event_(token.stop_possible() ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1),
        callback_(token, [this] {
          const std::uint64_t one = 1;
          // A wait whose descriptor could not be made notices the request at its next look.
          if (event_.valid()) static_cast<void>(!::write(event_.get(), &one, sizeof one));
        }) {}

  [[nodiscard]] int fd() const { return event_.get(); }

 private:
  process::FileDescriptor event_;  // before the callback, which may run while it is being made
  std::stop_callback<std::function<void()>> callback_;
};

class Race {
 public:
  Race(Probe& probe, Life& life, const std::filesystem::path& log, const std::stop_token& cancel,
       Deadline deadline, const process::Clock& clock, WaitObserver* observer)
      : probe_(probe),
        life_(life),
        token_(cancel),
        deadline_(deadline),
        clock_(clock),
        observer_(observer),
        start_(clock.Now()),
        latest_(start_ + kMostExtended * std::clamp<Duration>(deadline - start_, Duration::zero(), kLongWait)),
        next_word_(start_ + kFirstWord),
        cancel_(cancel),
        output_(log),
        pacer_(start_) {}

  [[nodiscard]] Outcome Run() {
    const PreciseTimers precise;
    while (true) {
      if (std::optional<Outcome> outcome = Step()) {
        outcome->elapsed = clock_.Now() - start_;
        outcome->allowed = deadline_ - start_;
        outcome->looks = looks_;
        probe_.AppendSeen(outcome->seen);
        outcome->timeline = std::move(timeline_);
        return *std::move(outcome);
      }
      Wait();
    }
  }

 private:
  using Kind = Outcome::Kind;

  [[nodiscard]] std::optional<Outcome> Step();
  void Wait();
  // Waits once; true when it is time to look.
  [[nodiscard]] bool WaitOnce();
  [[nodiscard]] Outcome Died();
  // Whatever follows from what was seen, except an end.
  void TakeIn(Deadline now);
  static Outcome Ended(Kind kind) {
    Outcome outcome;
    outcome.kind = kind;
    return outcome;
  }

  Probe& probe_;
  Life& life_;
  const std::stop_token& token_;
  Deadline deadline_;
  const process::Clock& clock_;
  WaitObserver* observer_;
  Deadline start_;
  Deadline latest_;     // beyond which no request of the server's extends the deadline
  Deadline next_word_;  // to the observer
  Timeline timeline_;
  std::vector<Observation> scratch_;
  CancelSignal cancel_;
  OutputWatch output_;  // made before the first look, so that no output falls between the two
  Pacer pacer_;
  int looks_ = 0;
  unsigned listen_calls_ = 0;
  int hints_ = 0;
  bool listen_comes_ = false;
  bool hinted_ = false;  // of a call that has not been told yet
  std::vector<pollfd> descriptors_;
};

// One look and everything that may follow from it. Death is asked for first, and again before anything is
// said about a server that is alive.
std::optional<Outcome> Race::Step() {
  if (life_.Ended()) return Died();
  if (token_.stop_requested()) return Ended(Kind::kCancelled);

  const Deadline now = clock_.Now();
  if (const unsigned calls = life_.ListenCalls(); calls != std::exchange(listen_calls_, calls)) {
    pacer_.ListenCalled(now);
    // Mostly the hint has been there before. A warden that was quicker has taken the call away from under it.
    listen_comes_ |= !std::exchange(hinted_, false);
  }
  if (std::exchange(listen_comes_, false)) probe_.ListenComes();
  const Observation seen = probe_.Look(now);
  ++looks_;
  pacer_.Looked(now, life_.TellsOfListening() && probe_.OnlyListeningMatters());
  TakeIn(now);
  if (seen.taken) {
    Outcome outcome = Ended(Kind::kTaken);
    outcome.taken = *seen.taken;
    return outcome;
  }
  if (seen.hopeless) {
    if (life_.Ended()) return Died();
    Outcome outcome = Ended(Kind::kTimedOut);
    outcome.hopeless = *seen.hopeless;
    return outcome;
  }
  // The look at the deadline itself counts: only one that began before it may be followed by another.
  if (!seen.satisfied && now < deadline_) return std::nullopt;
  if (life_.Ended()) return Died();
  return Ended(seen.satisfied ? Kind::kReady : Kind::kTimedOut);
}

void Race::TakeIn(Deadline now) {
  if (const auto wanted = probe_.Extension()) deadline_ = std::max(deadline_, std::min(*wanted, latest_));
  scratch_.clear();
  probe_.AppendSeen(scratch_);
  timeline_.Add(now - start_, scratch_);
  if (observer_ == nullptr || now < next_word_) return;
  next_word_ = now + kNextWord;
  observer_->Waiting(now - start_, deadline_ - start_, scratch_);
}

Outcome Race::Died() {
  Outcome outcome = Ended(Kind::kDied);
  // A server whose port is a stranger's mostly dies of it before anybody looks.
  outcome.taken = probe_.Stranger().value_or("");
  return outcome;
}

void Race::Wait() {
  while (!WaitOnce()) {
  }
}

bool Race::WaitOnce() {
  descriptors_.clear();
  // Entries with a descriptor of -1 are passed over by ppoll(2).
  descriptors_.push_back({.fd = life_.fd(), .events = POLLIN, .revents = 0});
  descriptors_.push_back({.fd = cancel_.fd(), .events = POLLIN, .revents = 0});
  descriptors_.push_back({.fd = pacer_.output_heard() ? -1 : output_.fd(), .events = POLLIN, .revents = 0});
  descriptors_.push_back({.fd = hints_ < kMostHints ? life_.ListenHint() : -1, .events = POLLIN, .revents = 0});
  const auto probes_own = static_cast<std::ptrdiff_t>(descriptors_.size());
  probe_.AddDescriptors(descriptors_);

  const Deadline due = std::min(pacer_.NextLook(), probe_.WantsLook().value_or(deadline_));
  Sleep(descriptors_, clock_.Now(), std::min(due, deadline_));

  const Deadline now = clock_.Now();
  if (descriptors_[2].revents != 0) {
    output_.Drain();
    pacer_.OutputSeen(now);
  }
  if (descriptors_[3].revents != 0) {
    ++hints_;
    life_.TakeListenHint();
    listen_comes_ = hinted_ = true;
    pacer_.ListenCalled(now);
  }
  const bool news = descriptors_[0].revents != 0 || descriptors_[1].revents != 0;
  const bool probe_has_something = std::any_of(descriptors_.begin() + probes_own, descriptors_.end(),
                                               [](const pollfd& entry) { return entry.revents != 0; });
  const Deadline next = std::min(pacer_.NextLook(), probe_.WantsLook().value_or(deadline_));
  return news || probe_has_something || now >= std::min(next, deadline_);
}

}  // namespace

Outcome AwaitReady(Probe& probe, Life& life, const std::filesystem::path& log, const std::stop_token& cancel,
                   Deadline deadline, const process::Clock& clock, WaitObserver* observer) {
  return Race(probe, life, log, cancel, deadline, clock, observer).Run();
}

}  // namespace curfew::readiness
