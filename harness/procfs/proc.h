// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <curfew/tree.h>

namespace curfew::procfs {

// The fields of /proc/PID/stat that Curfew uses (proc(5)).
struct Stat {
  pid_t pid = 0;
  std::string comm;
  char state = '?';
  pid_t ppid = 0;
  pid_t pgrp = 0;
  pid_t session = 0;
  std::uint64_t flags = 0;        // field 9, PF_* of the kernel's sched.h
  std::uint64_t start_ticks = 0;  // field 22, clock ticks since boot

  static constexpr std::uint64_t kExiting = 0x4;            // PF_EXITING
  static constexpr std::uint64_t kForkNoExec = 0x40;        // PF_FORKNOEXEC
  static constexpr std::uint64_t kKernelThread = 0x200000;  // PF_KTHREAD

  [[nodiscard]] bool zombie() const { return state == 'Z' || state == 'X'; }
  // Forked, and has executed nothing since: its environment and command are those of its parent.
  [[nodiscard]] bool only_forked() const { return (flags & kForkNoExec) != 0; }
  // On its way out (PF_EXITING): its connections may be closed already while it is no zombie yet.
  [[nodiscard]] bool exiting() const { return zombie() || (flags & kExiting) != 0; }
};

// Nothing if the text is not a whole stat line. The name is delimited by the first '(' and the *last* ')':
// it may itself hold spaces, parentheses and newlines.
//
// The line is that of the main thread. When it has ended and others run on (pthread_exit(3)), the kernel says
// Z of a process that is alive; here it sleeps, S.
[[nodiscard]] std::optional<Stat> ParseStat(std::string_view text);

// A view of one proc file system. Tests give it a directory of their own making.
//
// Every read may fail because the process is gone or belongs to somebody else: that is "nothing", never an
// error. Text read may belong to a successor of the pid that was meant: whoever acts on it pins the process
// first (process/pidfd.h) and reads again.
// Threads: const calls may run at once. Blocks: never for long; the two that read what execve(2) puts in
// place, ReadCommand and FindInEnviron, wait up to two seconds for a process they meet in the middle of it.
class Proc {
 public:
  explicit Proc(std::filesystem::path root = "/proc");

  // Every process number listed right now, in listing order. Costs about 1.1 us a process.
  [[nodiscard]] std::vector<pid_t> Pids() const;
  [[nodiscard]] std::optional<Stat> ReadStat(pid_t pid) const;
  // The numbers that were given to processes and threads last, in the PID namespace of the caller, the newest first.
  // Some are nobody's any more, or not yet. Empty if that cannot be read.
  [[nodiscard]] std::vector<pid_t> NewestPids(int count) const;
  // Children of its main thread, zombies included. Empty, too, where the kernel keeps no such list
  // (CONFIG_PROC_CHILDREN).
  [[nodiscard]] std::vector<pid_t> Children(pid_t pid) const;
  // argv; empty for zombies, kernel threads and processes that have none.
  [[nodiscard]] std::vector<std::string> ReadCommand(pid_t pid) const;
  // The value of the variable in the environment the process was *executed* with.
  [[nodiscard]] std::optional<std::string> FindInEnviron(pid_t pid, std::string_view name) const;
  // Whether it is between its old memory and its new one: vfork(2) and posix_spawn(3) have returned to the
  // parent by then, the arguments and the environment still read as empty, and whoever asks for our mark
  // would see a stranger.
  [[nodiscard]] bool Executing(pid_t pid) const;
  // "cwd", "exe", "fd/3": where the link points, with " (deleted)" as the kernel writes it.
  [[nodiscard]] std::optional<std::string> ReadLink(pid_t pid, const std::string& what) const;
  [[nodiscard]] std::optional<uid_t> Uid(pid_t pid) const;
  // The soft limit on file locks from /proc/PID/limits, world readable. Nothing if "unlimited".
  [[nodiscard]] std::optional<std::uint64_t> ReadLocksLimit(pid_t pid) const;
  // Pid of the process that traces this one, 0 if none.
  [[nodiscard]] pid_t TracerPid(pid_t pid) const;
  // What the process sleeps in, for evidence; empty if it runs or the kernel does not say.
  [[nodiscard]] std::string WaitChannel(pid_t pid) const;
  // Inodes of every socket the process holds. Nothing if its descriptors may not be read (another uid).
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> SocketInodes(pid_t pid) const;

  // Where each of its descriptors points: "pipe:[4711]", "/tmp/log". Nothing if they may not be read.
  [[nodiscard]] std::optional<std::map<int, std::string>> Descriptors(pid_t pid) const;
  // The memory it has in use, shared pages counted in full; 0 for zombies.
  [[nodiscard]] std::uint64_t ResidentBytes(pid_t pid) const;

  // Everything a report shows of a process, read once: stat, command, cwd, uid, start time. `ports` stays
  // empty: it takes the table of listening sockets (see net.h).
  [[nodiscard]] std::optional<ProcessInfo> Describe(pid_t pid) const;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  [[nodiscard]] std::optional<std::string> ReadFile(pid_t pid, const char* what) const;
  // Arguments or environment, once they are there.
  [[nodiscard]] std::optional<std::string> ReadExecuted(pid_t pid, const char* what) const;

  std::filesystem::path root_;
};

}  // namespace curfew::procfs
