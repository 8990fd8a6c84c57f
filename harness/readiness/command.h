// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <curfew/exit_status.h>

namespace curfew::readiness {

// What stands, in the words of a command, for a {captured:GROUP} that this server's own log has still to show. The
// control character (SUBSTITUTE) tells it from the same text that is meant literally: {{captured:GROUP}},
// ${captured:GROUP}.
inline constexpr std::string_view kLateCapture = "\x1a{captured:";

// How a run of a command came out.
struct CommandEnd {
  std::optional<ExitStatus> status = {};  // absent: it never ran, `failure` says why
  std::string failure = {};          // reads on after the command line: "failed to execute /x: ENOENT ..."
  std::size_t left_behind = 0;       // processes it had begun, alive at its end: they were ended
  std::string last_line = {};        // of its output
};

// One run of a command, contained. Its destructor ends it, with all it has begun, if it is still under way.
class RunningCommand {
 public:
  virtual ~RunningCommand() = default;
  // Becomes readable when there is news. Poll only.
  [[nodiscard]] virtual int fd() const = 0;
  // Takes in what has happened, without waiting. Tells the end once the command and all it had begun are gone.
  [[nodiscard]] virtual const std::optional<CommandEnd>& Advance() = 0;
  // Has it ended, with all it has begun; Advance() tells when that is done.
  virtual void Kill() = 0;
};

// The seam through which probes run commands; unit tests put a runner of their own in.
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  // Never fails by itself: one that could not be begun tells its end at once. Never blocks for long.
  [[nodiscard]] virtual std::unique_ptr<RunningCommand> Start(const std::vector<std::string>& argv,
                                                              const std::map<std::string, std::string>& env) = 0;
};

}  // namespace curfew::readiness
