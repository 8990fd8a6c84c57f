// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "process/pidfd.h"
#include "process/result.h"
#include "process/seal.h"
#include "process/tag.h"

namespace curfew::process {

// What to execute, and what the new process is to be. Everything not listed is not inherited: it begins with
// default signal dispositions, an empty signal mask, and no descriptor but the ones named here.
struct LaunchRequest {
  std::string executable;  // a path; nothing is searched
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::string working_dir;               // empty: the caller's
  int stdin_fd = -1;                     // -1: /dev/null
  int stdout_fd = -1;
  int stderr_fd = -1;
  // descriptors[i] becomes number 3 + i in the new process.
  std::vector<int> descriptors;
  // Instead of the four above: every descriptor of the caller that is not close-on-exec keeps its number, as a shell
  // passes them on (a jobserver's, a redirection's).
  bool inherit_descriptors = false;
  // Ignored from the start, as under nohup(1), and the mask to begin with: a shell passes these on, too.
  std::vector<int> ignored_signals;
  std::optional<sigset_t> signal_mask;
  bool new_session = false;
  bool new_group = false;
  // Sent to the new process when the launching *thread* ends (prctl(2)): only for single-threaded callers.
  int parent_death_signal = 0;
  std::optional<Tag> tag;
  // The new process gets LISTEN_PID=<its own pid> (sd_listen_fds(3)) in addition to `environment`.
  bool listen_pid = false;
  // The child's end of a socket for ReceiveListenFilter, or -1: no filter on listen(2).
  int listen_filter_socket = -1;
  bool listen_filter_gives_up_privileges = false;
  // The directory of a cgroup v2 to run in, or -1. Born in it, the new process is forked instead of vforked:
  // only for small, single-threaded callers.
  enum class Entry { kAtBirth, kBeforeExec };
  int cgroup_fd = -1;
  Entry cgroup_entry = Entry::kAtBirth;
  // To be born inside, by a fork as above. Still the caller's own child, and known by its number outside.
  const Seal* seal = nullptr;
};

// The Failure's operation when it is the cgroup that could not be entered, and nothing else is known to be wrong.
inline constexpr const char* kEnterCgroup = "enter the server's cgroup";

// The seam through which processes come to be; unit tests put a launcher of their own in.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // Returns once exec has succeeded, with the new process pinned; the caller has to collect it. On failure
  // nothing is left, no zombie either, and the Failure's operation is the step that failed ("exec /x",
  // "chdir to /y").
  [[nodiscard]] virtual Result<Pidfd> Launch(const LaunchRequest& request) = 0;

  // The real one, through Boost.Process v2. It vforks, so the cost does not grow with the caller's memory.
  // Threads: may be used by several at once.
  [[nodiscard]] static Launcher& Real();
};

}  // namespace curfew::process
