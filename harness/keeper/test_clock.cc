// SPDX-License-Identifier: Apache-2.0
#include "keeper/test_clock.h"

#include <signal.h>

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

// How often to look again while a debugger holds the test program.
constexpr auto kSuspendedPause = 500ms;

}  // namespace

TestClock::TestClock(boost::asio::io_context& io, const process::Pidfd& owner, TimeOut on_time_out)
    : timer_(io), owner_(owner), on_time_out_(std::move(on_time_out)) {}

void TestClock::TestBegins(const std::string& test, Duration timeout, bool only_with_server, bool has_server) {
  Cancel();
  test_ = test;
  timeout_ = timeout;
  began_ = Clock::now();
  running_ = timeout > Duration::zero();
  waiting_for_server_ = only_with_server && !has_server;
  if (running_ && !waiting_for_server_) Arm();
}

void TestClock::ServerStarts() {
  if (!running_ || !waiting_for_server_) return;
  waiting_for_server_ = false;
  Arm();
}

std::optional<std::string> TestClock::TestEnds() {
  auto reason = std::move(timed_out_);
  Cancel();
  return reason;
}

void TestClock::Cancel() {
  running_ = false;
  timed_out_.reset();
  timer_.cancel();
}

void TestClock::Arm() {
  timer_.expires_at(began_ + timeout_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) OnTimer();
  });
}

bool TestClock::Suspended() const {
  const procfs::Proc proc;
  if (proc.TracerPid(owner_.pid()) != 0) return true;
  const auto stat = proc.ReadStat(owner_.pid());
  return stat && (stat->state == 'T' || stat->state == 't');
}

void TestClock::OnTimer() {
  if (Suspended()) {
    began_ += kSuspendedPause;
    Arm();
    return;
  }
  timed_out_ = test_ + " was still running after its timeout of " + process::Describe(timeout_);
  on_time_out_(test_, *timed_out_);
}

void TestClock::ServersStopped() {
  if (!timed_out_ || !running_) return;
  timer_.expires_after(FinishGrace());
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) Escalate(SIGABRT);
  });
}

void TestClock::Escalate(int signal) {
  if (Suspended()) {
    ServersStopped();
    return;
  }
  WriteToStderrOf(owner_, "\n[  CURFEW  ] " + *timed_out_ + "\n[  CURFEW  ] its servers were stopped, and it still hangs: " +
                              process::SignalName(signal) + " to the test program\n");
  static_cast<void>(owner_.Signal(signal));
  if (signal == SIGKILL) return;
  timer_.expires_after(AbortGrace());
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) Escalate(SIGKILL);
  });
}

}  // namespace curfew::keeper
