// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>

#include <curfew/duration.h>

#include "process/pidfd.h"

namespace curfew::keeper {

// The deadline of the running test, and what follows when it passes: first the servers are stopped, which ends
// most hangs, since the test's connections end with them; a test program that still does not finish its test is
// aborted (for a core and stacks), then killed.
//
// While the test program is stopped (SIGSTOP) or a debugger traces it or a server, time does not run.
class TestClock {
 public:
  using TimeOut = std::function<void(const std::string& test, const std::string& why)>;

  // `server_held` tells whether somebody debugs a server.
  TestClock(boost::asio::io_context& io, const process::Pidfd& owner, TimeOut on_time_out,
            std::function<bool()> server_held);

  // The test began `passed` ago. `only_with_server`: the timeout is a default and holds once the test has a server.
  void TestBegins(const std::string& test, Duration timeout, Duration passed, bool only_with_server, bool has_server);
  // Another timeout for the running test, counted from its beginning; from now on with or without a server.
  void SetTimeout(Duration timeout);
  void ServerStarts();
  // Why the test was timed out, if it was.
  [[nodiscard]] std::optional<std::string> TestEnds();
  [[nodiscard]] bool timed_out() const { return timed_out_.has_value(); }
  void SetReason(std::string text) { timed_out_ = std::move(text); }
  // All servers are stopped: from now on the test program has the grace to finish its test.
  void ServersStopped();
  void Cancel();

 private:
  // Runs the next thing to do at a time, unless another took its place meanwhile: a handler that was due already
  // when it was cancelled would else act on the next test.
  void At(Deadline when, std::function<void()> action);
  void Tick();
  void Escalate(int signal);
  [[nodiscard]] bool Suspended() const;

  boost::asio::steady_timer timer_;
  const process::Pidfd& owner_;
  TimeOut on_time_out_;
  std::function<bool()> server_held_;
  std::string test_;
  Duration timeout_{};
  Deadline deadline_;
  Deadline last_tick_;
  unsigned turn_ = 0;
  bool escalating_ = false;
  bool waiting_for_server_ = false;
  bool running_ = false;
  std::optional<std::string> timed_out_;
};

}  // namespace curfew::keeper
