// SPDX-License-Identifier: Apache-2.0
#include "server/start_story.h"

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "process/clock.h"
#include "server/disk_room.h"

namespace curfew::server {

using readiness::Outcome;

namespace {

constexpr std::size_t kLogLines = 20;

bool Mentions(const std::vector<std::string>& lines, const std::string& text) {
  for (const auto& line : lines) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

// The next thing to try.
std::string Advice(const PreparedServer& server, const FailedStart& failed, const std::vector<std::string>& tail,
                   bool disk_is_full) {
  if (Mentions(tail, "Address already in use") || Mentions(tail, "EADDRINUSE")) {
    return server.PortsAreLeftToServer()
               ? "it could not bind an address though its reservations were released: does it use one that is not "
                 "{port}?"
               : "the server could not bind an address. Does it use one that is not {port}? Curfew holds {port} for "
                 "it; one that sets "
                 "neither SO_REUSEADDR nor SO_REUSEPORT needs a second attempt (ServerSpec::port_attempts)";
  }
  const bool may_be_the_disk = failed.reason == StartError::kDiedEarly || failed.reason == StartError::kTimedOut ||
                               failed.reason == StartError::kCouldNotLaunch;
  if (disk_is_full && may_be_the_disk) return "make room there, or let TMPDIR name a directory of another file system";
  switch (failed.reason) {
    case StartError::kCouldNotLaunch:
      if (failed.failure && failed.failure->operation.starts_with("seal it")) {
        return "user namespaces may be switched off here (sysctl user.max_user_namespaces, "
               "kernel.unprivileged_userns_clone): run as root, or leave ServerSpec::sealed and "
               "CURFEW_CONTAINMENT=sealed out";
      }
      if (failed.failure && failed.failure->operation.starts_with("contain it")) {
        return "CURFEW_CONTAINMENT=auto does without where it has to";
      }
      if (failed.failure && failed.failure->error == ENOEXEC) return "a script needs a first line like #!/bin/sh";
      // The file itself was found, or nothing would have been launched (execve(2)).
      if (failed.failure && failed.failure->error == ENOENT)
        return "what its first line (#!) names as interpreter, or its loader (ldd), is not there";
      if (failed.failure && failed.failure->error == E2BIG) return "arguments and environment together are too long";
      if (failed.failure && failed.failure->error == EAGAIN) return "look at `ulimit -u`: no process can be made";
      if (failed.failure && failed.failure->error == EMFILE) return "look at `ulimit -n`: no descriptor is left";
      return "run the command by hand";
    case StartError::kDiedEarly:
      if (!failed.left.empty()) {
        return "if that is how it starts, set .daemonizes = true, or better keep it in the foreground";
      }
      return failed.exit_status && *failed.exit_status == ExitStatus::Exited(0)
                 ? "if it daemonises on purpose, set .daemonizes = true, or better keep it in the foreground"
                 : "read its log; run the command by hand";
    case StartError::kTimedOut:
      return tail.empty() ? "it printed nothing: is it the right program, and does it listen on {port}?"
                          : "does it listen on {port}, and on 127.0.0.1? Is ready_timeout long enough for this machine "
                            "(CURFEW_TIMEOUT_SCALE multiplies it)?";
    case StartError::kPortTaken: return "end that process, or let Curfew choose the port by writing {port}";
    case StartError::kHarnessLost:
      if (failed.failure && failed.failure->error == ETIMEDOUT) {
        return "is this machine that busy? CURFEW_TIMEOUT_SCALE multiplies every limit; or look who stops processes "
               "here (SIGSTOP, a frozen cgroup)";
      }
      return "look who kills processes here: the OOM killer (dmesg), a job's memory limit";
    case StartError::kBadSpec:
    case StartError::kCancelled: return "";
  }
  return "";
}

void TellProbes(std::ostream& out, const readiness::Outcome& outcome, const std::string& learnt_by) {
  out << "\n  waited      " << process::Describe(outcome.elapsed) << ", looked " << outcome.looks << " times"
      << (learnt_by.empty() ? "" : "; by " + learnt_by);
  for (const auto& seen : outcome.seen) {
    out << "\n  probe       " << (seen.satisfied ? "satisfied: " : "not yet: ") << seen.saw;
  }
  // One line says what `probe` has said already.
  const auto lines = outcome.timeline.Lines();
  if (lines.size() <= outcome.seen.size()) return;
  out << "\n  timeline    of what changed:";
  for (const auto& line : lines) out << "\n    | " << line;
}

}  // namespace

StartError::Reason ReasonOf(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kReady: break;
    case Outcome::Kind::kDied: return outcome.taken.empty() ? StartError::kDiedEarly : StartError::kPortTaken;
    case Outcome::Kind::kTimedOut: return StartError::kTimedOut;
    case Outcome::Kind::kTaken: return StartError::kPortTaken;
    case Outcome::Kind::kCancelled: return StartError::kCancelled;
  }
  return StartError::kHarnessLost;
}

StartError::Reason ReasonOf(const process::Failure& failure) {
  if (failure.error == EPIPE || failure.error == ETIMEDOUT) return StartError::kHarnessLost;
  if (failure.error == ECANCELED) return StartError::kCancelled;
  return StartError::kCouldNotLaunch;
}

std::string HeadlineOf(const Outcome& outcome, const ServerSpec& spec, const std::vector<ProcessInfo>& left) {
  switch (outcome.kind) {
    case Outcome::Kind::kReady: break;
    case Outcome::Kind::kDied:
      if (!left.empty()) {
        return "the leader exited with status 0 before it was ready, but left " + std::to_string(left.size()) +
               (left.size() == 1 ? " process" : " processes") + " running" +
               (outcome.taken.empty() ? "" : "; " + outcome.taken);
      }
      return "it ended before it was ready" + (outcome.taken.empty() ? "" : "; " + outcome.taken);
    case Outcome::Kind::kTimedOut:
      if (!outcome.hopeless.empty()) return "alive, but not ready in time: " + outcome.hopeless;
      return "alive, but not ready after its ready_timeout of " +
             process::Describe(process::Scaled(spec.ready_timeout)) +
             (outcome.allowed > process::Scaled(spec.ready_timeout)
                  ? ", extended on its request to " + process::Describe(outcome.allowed)
                  : "");
    case Outcome::Kind::kTaken: return "another process has its port: " + outcome.taken;
    case Outcome::Kind::kCancelled: return "cancelled after " + process::Describe(outcome.elapsed);
  }
  return "";
}

StartError TellStory(const PreparedServer& server, const FailedStart& failed) {
  const auto tail = server.log().Tail(kLogLines);
  std::ostringstream out;
  out << "failed to start server " << server.name() << ": " << failed.headline;
  if (failed.failure) out << ": " << failed.failure->ToString();
  out << "\n  command     " << server.CommandLine();
  for (const auto& [name, number] : server.address().ports) {
    out << "\n  port        {port" << (name.empty() ? "" : ":" + name) << "} = " << number;
  }
  for (const auto& note : failed.notes) out << "\n  before      " << note;
  if (failed.pid != 0) out << "\n  process     pid " << failed.pid;
  if (failed.exit_status) out << ", " << *failed.exit_status;
  constexpr std::size_t kMostLeft = 10;
  for (std::size_t i = 0; i < std::min(kMostLeft, failed.left.size()); ++i) {
    out << "\n  left        pid " << failed.left[i].pid << " (" << failed.left[i].CommandLine() << ")";
  }
  if (failed.left.size() > kMostLeft) out << "\n  left        and " << failed.left.size() - kMostLeft << " more";
  if (failed.outcome) TellProbes(out, *failed.outcome, failed.learnt_by);
  if (failed.stop) out << "\n  then        " << failed.stop->ToString();
  if (failed.pid != 0) {
    out << "\n  log         " << (tail.empty() ? "empty" : "its last lines:");
    for (auto line : tail) {
      std::ranges::replace(line, '\0', ' ');  // what() would end there
      out << "\n    | " << line;
    }
  }
  const auto no_room = WhyNoRoom(server.log().path().parent_path());
  if (!no_room.empty()) out << "\n  disk        " << no_room << ": its log may lack lines";
  if (const auto advice = Advice(server, failed, tail, !no_room.empty()); !advice.empty())
    out << "\n  try         " << advice;
  StartError::Details details;
  if (failed.failure) details.error_number = failed.failure->error;
  details.exit_status = failed.exit_status;
  details.log_tail = tail;
  if (failed.outcome) details.elapsed = failed.outcome->elapsed;
  return {failed.reason, out.str(), details};
}

}  // namespace curfew::server

namespace curfew {

const char* StartError::Name(Reason reason) {
  switch (reason) {
    case kBadSpec: return "kBadSpec";
    case kCouldNotLaunch: return "kCouldNotLaunch";
    case kDiedEarly: return "kDiedEarly";
    case kTimedOut: return "kTimedOut";
    case kPortTaken: return "kPortTaken";
    case kCancelled: return "kCancelled";
    case kHarnessLost: return "kHarnessLost";
  }
  return "?";
}

}  // namespace curfew
