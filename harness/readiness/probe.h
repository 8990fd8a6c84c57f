// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <curfew/duration.h>
#include <curfew/ready.h>

#include "process/clock.h"
#include "procfs/proc.h"
#include "readiness/listeners.h"
#include "readiness/command.h"
#include "readiness/file_version.h"
#include "readiness/notify_pipe.h"
#include "readiness/notify_socket.h"
#include "readiness/owner.h"
#include "readiness/unix_table.h"

namespace curfew::readiness {

// What one look showed.
struct Observation {
  bool satisfied = false;
  // For people, complete by itself: "GET /health: 503 Service Unavailable".
  std::string saw;
  // Set when a stranger has what the server needs; names him: "port 8080 is held by pid 4711 (nginx ...)".
  std::optional<std::string> taken;
  // Set when waiting on is of no use, though the server lives: a time of the probe's own is over. Says so.
  std::optional<std::string> hopeless = {};
  // What tells one state of affairs from the next, where `saw` also holds what changes all the time (a count of
  // lines). Empty: `saw` itself.
  std::string state = {};
  // Satisfied by a socket of which nobody can tell whether it is the server's own; `saw` says so.
  bool unproven = false;
  // Whether 127.0.0.1 leads to the server, or only ::1 does. Absent: not known.
  std::optional<bool> by_ipv4 = {};
};

// What is there to be seen of a probe that has not looked: the server died before it was asked.
[[nodiscard]] inline Observation NotAsked(const std::string& title) {
  return {.satisfied = false, .saw = title + ": not asked yet", .taken = {}};
}

// One thing that has to be true before a server is ready. Looking never blocks (When()'s function excepted)
// and never throws for what the server does.
// Threads: one at a time.
class Probe {
 public:
  virtual ~Probe() = default;

  // Asks now. A probe that needs several exchanges moves on as far as it can without waiting.
  [[nodiscard]] virtual Observation Look(Deadline now) = 0;
  // Appends the descriptors on which something may happen that makes a look worth while.
  virtual void AddDescriptors(std::vector<pollfd>&) const {}
  // When it has to be looked at again whatever else happens: an attempt ends, there is more to read.
  [[nodiscard]] virtual std::optional<Deadline> WantsLook() const { return std::nullopt; }
  // An exchange is under way whose end will be seen by looking again. A look that was not satisfied is no verdict then.
  [[nodiscard]] virtual bool Busy() const { return false; }
  // Whether nothing but a listen(2) of the server can satisfy it.
  [[nodiscard]] virtual bool OnlyListeningMatters() const { return false; }
  // A listen(2) of the server is about to take effect: the time to find out what can be known before.
  virtual void ListenComes() {}
  // For one that has held and is not looked at any more while others are waited for: takes in what would else pile up.
  virtual void Attend() {}
  // Until when the server has asked to be waited for, if it has.
  [[nodiscard]] virtual std::optional<Deadline> Extension() const { return std::nullopt; }
  // Whether a stranger has what the server needs: asked when the server has died, to say why.
  [[nodiscard]] virtual std::optional<std::string> Stranger() { return std::nullopt; }
  // Appends what was last seen: one observation, or one for each part.
  virtual void AppendSeen(std::vector<Observation>& seen) const = 0;
};

// What the named groups of Log probes matched.
using Captures = std::map<std::string, std::string>;

// Everything the probes of one start look at. What is pointed to must outlive them.
struct Subject {
  ServerAddress address;
  std::filesystem::path log;
  std::uint64_t log_offset = 0;  // where this start's output begins
  std::optional<Deadline> launched = {};  // absent: limits counted from launch are over and met
  std::optional<Deadline> deadline = {};  // of the start: no look comes after it, unless the server asks for more time
  // Whether the probes are to be asked once, of a server that has been up for a while: what has to last or to come to
  // rest need only be so now.
  bool once = false;
  const TreeView* tree = nullptr;
  const procfs::Proc* proc = nullptr;
  ListenerTable* listeners = nullptr;
  ListenerTable* datagram_sockets = nullptr;  // UDP
  UnixTable* unix_sockets = nullptr;
  // What was at the paths of File and FileSettled before the launch; without what was not there.
  FileVersions files_before = {};
  // Inodes of the sockets that hold the server's ports for it: nobody's, as far as the probes are concerned.
  std::set<std::uint64_t> holds = {};
  Captures* captures = nullptr;  // may be null: nobody wants them
  CommandRunner* commands = nullptr;
  NotifySocket* notify_socket = nullptr;  // for Notify
  NotifyPipe* notify_pipe = nullptr;      // for NotifyFd
};

// The address that the subject of a Unix probe means: "@name", or a path taken from the server's directory.
[[nodiscard]] UnixAddress AddressOf(const std::string& path, const ServerAddress& server);

// The probe for a spec's Ready, whose subjects are expanded and for which FindProblem found none.
[[nodiscard]] std::unique_ptr<Probe> MakeProbe(const Ready& ready, const Subject& subject);

// Asks each part once, waiting for nothing but exchanges under way (an HTTP attempt may take a second). Empty
// if the probe is satisfied, else what each part saw.
[[nodiscard]] std::vector<Observation> AskOnce(Probe& probe,
                                               const process::Clock& clock = process::Clock::Steady());

}  // namespace curfew::readiness
