// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/exit_status.h>

namespace curfew {

// Why a server could not be started. Nothing of it is left running when this is thrown.
//
// what() is the whole story: command line, ports, what each probe last saw, how long it took, how the server
// ended, its last 20 log lines, and what to try next.
class StartError : public std::runtime_error {
 public:
  enum Reason {  // what to do about each is said behind it
    kBadSpec,         // the spec contradicts itself; what() names the field and the value
    kCouldNotLaunch,  // exec or something before it failed; error_number() says how. Check command and PATH
    kDiedEarly,       // the leader ended before it was ready; exit_status() says how. Read its log
    kTimedOut,        // alive, but not ready in ready_timeout. Look at what the probes saw
    kPortTaken,       // another process listens on the port; what() names it. End that one first
    kCancelled,       // the stop_token was asked to stop
    kHarnessLost,     // the keeper or the warden is gone or does not answer: killed from outside, or no resources
  };

  struct Details {  // what what() tells, as values
    int error_number = 0;                    // errno of the failed call, 0 if there was none
    std::optional<ExitStatus> exit_status = {};  // how the leader ended, if it did by itself
    std::vector<std::string> log_tail = {};     // at most the last 20 lines
    Duration elapsed{};  // from the launch to the failure; zero if nothing was launched
  };

  StartError(Reason reason, const std::string& what, Details details)  // by Server::Start
      : std::runtime_error(what), reason_(reason), details_(std::move(details)) {}

  [[nodiscard]] Reason reason() const { return reason_; }  // why
  [[nodiscard]] int error_number() const { return details_.error_number; }  // as in Details
  [[nodiscard]] const std::optional<ExitStatus>& exit_status() const { return details_.exit_status; }  // as in Details
  [[nodiscard]] const std::vector<std::string>& log_tail() const { return details_.log_tail; }  // as in Details
  [[nodiscard]] Duration elapsed() const { return details_.elapsed; }  // as in Details

  // "kTimedOut": the name as written in this enum.
  [[nodiscard]] static const char* Name(Reason reason);

 private:
  Reason reason_;
  Details details_;
};

}  // namespace curfew
