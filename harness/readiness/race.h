// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include <curfew/duration.h>

#include "process/clock.h"
#include "readiness/probe.h"
#include "readiness/timeline.h"

namespace curfew::readiness {

// News of the server's leader, from whoever watches it; unit tests put a life of their own in.
class Life {
 public:
  virtual ~Life() = default;
  // Becomes readable when there is news. Poll only.
  [[nodiscard]] virtual int fd() const = 0;
  // Takes in all news there is, so that fd() is no longer readable, and tells whether the server has ended.
  // Never blocks. Once true, always true.
  [[nodiscard]] virtual bool Ended() = 0;
  // Whether each listen(2) of the server is news, told just before the call takes effect.
  [[nodiscard]] virtual bool TellsOfListening() const { return false; }
  // How many there have been up to the last Ended().
  [[nodiscard]] virtual unsigned ListenCalls() const { return 0; }
  // Becomes readable at the same moment as whoever tells of a listen(2) is told himself: sooner than his word can
  // come. Poll only. -1: there is no such thing.
  [[nodiscard]] virtual int ListenHint() const { return -1; }
  // Takes the hint in, so that ListenHint() is no longer readable.
  virtual void TakeListenHint() {}
};

// How the wait for a server ended. Exactly one of these, never one taken for another.
struct Outcome {
  enum class Kind {
    kReady,      // every probe was satisfied, and after that the server was still alive
    kDied,       // the server ended; a stranger may be why: see `taken`
    kTimedOut,   // alive at the deadline, and looked at once more then
    kTaken,      // alive, but a stranger has what it needs
    kCancelled,  // the stop_token was asked to stop
  };
  Kind kind = Kind::kTimedOut;
  std::string taken;  // names the stranger; for kTaken, and for kDied if there is one
  std::string hopeless = {};  // why a kTimedOut did not wait for the deadline, if it did not
  Duration elapsed{};
  Duration allowed{};  // from the start to the deadline, with what the server has asked for beyond it
  int looks = 0;
  std::vector<Observation> seen;  // what each probe saw last
  Timeline timeline = {};
};

// Who is told what is being waited for, while it takes long.
class WaitObserver {
 public:
  virtual ~WaitObserver() = default;
  // After two seconds, and then about twice a second.
  virtual void Waiting(Duration waited, Duration allowed, const std::vector<Observation>& seen) = 0;
};

// Waits until the probe is satisfied, the server dies, the deadline passes, or the wait is cancelled.
//
// Looks at once, then with pauses that grow with the time waited (2.5 % of it, 0.1 to 20 ms), and at once when
// the server writes to its log, when a probe's descriptor has something, and when there is news of its life. A server
// that calls listen(2), where that is told, is looked at again and again for a moment; what else only listening can
// satisfy is then looked at rarely. A probe may extend the deadline on the server's request, to at most ten times
// the time there was.
// Creates no thread and connects to nothing by itself. A log that cannot be watched costs only time.
// Threads: one at a time for each probe; the stop may be requested from any.
[[nodiscard]] Outcome AwaitReady(Probe& probe, Life& life, const std::filesystem::path& log,
                                 const std::stop_token& cancel, Deadline deadline,
                                 const process::Clock& clock = process::Clock::Steady(),
                                 WaitObserver* observer = nullptr);

}  // namespace curfew::readiness
