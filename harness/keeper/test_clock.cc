// SPDX-License-Identifier: Apache-2.0
#include "keeper/test_clock.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "keeper/evidence.h"
#include "process/clock.h"
#include "process/names.h"
#include "procfs/proc.h"

namespace curfew::keeper {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// From the end of its servers a test has this long to fail by itself; from SIGABRT it has until SIGKILL to write
// a core.
Duration FinishGrace() { return process::Scaled(3s); }
Duration AbortGrace() { return process::Scaled(3s); }

// How often to look whether the test program is held: time in which it was does not count.
constexpr auto kTick = 500ms;

}  // namespace

TestClock::TestClock(boost::asio::io_context& io, const process::Pidfd& owner, TimeOut on_time_out,
                     std::function<bool()> server_held)
    : timer_(io), owner_(owner), on_time_out_(std::move(on_time_out)), server_held_(std::move(server_held)) {}

void TestClock::TestBegins(const std::string& test, Duration timeout, Duration passed, bool only_with_server,
                           bool has_server) {
  Cancel();
  test_ = test;
  timeout_ = timeout;
  last_tick_ = Clock::now();
  deadline_ = last_tick_ + timeout - passed;
  running_ = timeout > Duration::zero();
  waiting_for_server_ = only_with_server && !has_server;
  if (running_ && !waiting_for_server_) Tick();
}

void TestClock::SetTimeout(Duration timeout) {
  if (timed_out_) return;  // too late: the servers are being stopped
  deadline_ += timeout - timeout_;
  timeout_ = timeout;
  waiting_for_server_ = false;
  const bool was_running = std::exchange(running_, timeout > Duration::zero());
  // Time in which nobody looked counts as it is: whether the program was held then is not known.
  if (!was_running) last_tick_ = Clock::now();
  ++turn_;
  timer_.cancel();
  if (running_) Tick();
}

void TestClock::ServerStarts() {
  if (!running_ || !waiting_for_server_) return;
  waiting_for_server_ = false;
  last_tick_ = Clock::now();
  Tick();
}

std::optional<std::string> TestClock::TestEnds() {
  auto reason = std::move(timed_out_);
  Cancel();
  return reason;
}

void TestClock::Cancel() {
  running_ = false;
  escalating_ = false;
  timed_out_.reset();
  ++turn_;
  timer_.cancel();
}

void TestClock::At(Deadline when, std::function<void()> action) {
  timer_.expires_at(when);
  timer_.async_wait([this, turn = ++turn_, run = std::move(action)](const boost::system::error_code& error) {
    if (!error && turn == turn_) run();
  });
}

bool TestClock::Suspended() const {
  const procfs::Proc proc;
  if (proc.TracerPid(owner_.pid()) != 0) return true;
  const auto stat = proc.ReadStat(owner_.pid());
  return stat && (stat->state == 'T' || stat->state == 't');
}

void TestClock::Tick() {
  const auto now = Clock::now();
  if (Suspended() || server_held_()) deadline_ += now - last_tick_;
  last_tick_ = now;
  if (now < deadline_) {
    At(std::min<Deadline>(deadline_, now + kTick), [this] { Tick(); });
    return;
  }
  timed_out_ = test_ + " was still running after its timeout of " + process::Describe(timeout_);
  on_time_out_(test_, *timed_out_);
}

void TestClock::ServersStopped() {
  // Once: a test that goes on starting servers must not go on for ever.
  if (!timed_out_ || !running_ || std::exchange(escalating_, true)) return;
  At(Clock::now() + FinishGrace(), [this] { Escalate(SIGABRT); });
}

void TestClock::Escalate(int signal) {
  if (Suspended()) {
    At(Clock::now() + kTick, [this, signal] { Escalate(signal); });
    return;
  }
  // The evidence once, with the first signal.
  const std::string evidence = signal == SIGABRT ? "\n[  CURFEW  ] " + *timed_out_ : "";
  WriteToStderrOf(owner_, evidence + "\n[  CURFEW  ] its servers were stopped, and it still hangs: " +
                              process::SignalName(signal) + " to the test program\n");
  static_cast<void>(owner_.Signal(signal));
  if (signal != SIGKILL) At(Clock::now() + AbortGrace(), [this] { Escalate(SIGKILL); });
}

}  // namespace curfew::keeper
