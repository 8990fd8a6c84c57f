// SPDX-License-Identifier: Apache-2.0
#include "procfs/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "procfs/system_proc.h"
#include "procfs/text.h"

namespace curfew::procfs {
namespace {

// A program that writes a title over its argv (postgres, nginx) pads it with NULs, which read as so many
// empty arguments. Nobody passes this many.
constexpr std::size_t kTitlePadding = 8;

// An argument list may take 2 MiB and more (execve(2)), and reports, messages and journals hold thousands of
// them. Long enough for the class path in front of what tells one java from another.
constexpr std::size_t kMostOfCommand = 32 << 10;

// A process that has to wait for a processor, or for the disk its program is on, is given this long to get
// through execve.
constexpr std::chrono::seconds kExecTimeout{2};

// The rest of the first line that starts with the key, without the blanks in front.
std::optional<std::string_view> FindLine(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    return line;
  }
  return std::nullopt;
}

std::optional<std::string> ReadLinkAt(int directory, const char* path) {
  // PATH_MAX bounds the path in a link of /proc, " (deleted)" comes on top.
  std::array<char, PATH_MAX + 16> buffer;
  const ssize_t size = ::readlinkat(directory, path, buffer.data(), buffer.size());
  if (size < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

// The boot time by the wall clock. <root>/stat costs 50 us with two cores and more with every further one, so
// it is read once a thread and root. A clock that is set meanwhile then moves no start time either.
std::chrono::system_clock::time_point BootTime(const std::string& root) {
  thread_local std::pair<std::string, std::chrono::seconds> known;
  if (known.first != root) {
    const std::optional<std::string> text = ReadWhole(root + "/stat");
    const std::optional<std::string_view> line = text ? FindLine(*text, "btime ") : std::nullopt;
    const std::optional<std::int64_t> seconds = line ? ParseNumber<std::int64_t>(*line) : std::nullopt;
    if (!seconds) return {};
    known = {root, std::chrono::seconds(*seconds)};
  }
  return std::chrono::system_clock::time_point(known.second);
}

std::chrono::system_clock::duration FromTicks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  // In whole seconds and the rest: multiplied as one number, a long uptime in nanoseconds would not fit.
  const std::chrono::seconds whole(static_cast<std::int64_t>(ticks / per_second));
  const std::chrono::nanoseconds rest(
      static_cast<std::int64_t>(ticks % per_second * 1'000'000'000 / per_second));
  return std::chrono::duration_cast<std::chrono::system_clock::duration>(whole + rest);
}

// Whether the stat line is that of a process whose environment has not been put in its place yet, field 51.
// Zero as well for whoever may not be looked at, and for what has no memory: kernel threads and the dead.
bool HasNoEnvironmentYet(std::string_view text) {
  const std::optional<Stat> stat = ParseStat(text);
  if (!stat || stat->exiting() || (stat->flags & Stat::kKernelThread) != 0) return false;
  std::string_view rest = text.substr(text.rfind(')') + 1);
  for (int field = 3; field < 51; ++field) static_cast<void>(TakeWord(rest));
  return TakeWord(rest) == "0";
}

}  // namespace

std::optional<Stat> ParseStat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  std::string_view before = text.substr(0, open);
  std::string_view rest = text.substr(close + 1);

  const std::optional<pid_t> pid = ParseNumber<pid_t>(TakeWord(before));
  const std::string_view state = TakeWord(rest);
  const std::optional<pid_t> ppid = ParseNumber<pid_t>(TakeWord(rest));
  const std::optional<pid_t> pgrp = ParseNumber<pid_t>(TakeWord(rest));
  const std::optional<pid_t> session = ParseNumber<pid_t>(TakeWord(rest));
  for (int field = 7; field < 9; ++field) static_cast<void>(TakeWord(rest));
  const std::optional<std::uint64_t> flags = ParseNumber<std::uint64_t>(TakeWord(rest));
  for (int field = 10; field < 20; ++field) static_cast<void>(TakeWord(rest));
  const std::optional<std::int64_t> threads = ParseNumber<std::int64_t>(TakeWord(rest));
  static_cast<void>(TakeWord(rest));
  const std::optional<std::uint64_t> start = ParseNumber<std::uint64_t>(TakeWord(rest));
  // There is always more behind the start time; without it the number itself may have been cut.
  if (!pid || state.size() != 1 || !ppid || !pgrp || !session || !flags || !threads || !start ||
      rest.empty()) {
    return std::nullopt;
  }
  const bool main_thread_ended = state == "Z" && *threads > 1;
  return Stat{.pid = *pid,
              .comm = std::string(text.substr(open + 1, close - open - 1)),
              .state = main_thread_ended ? 'S' : state.front(),
              .ppid = *ppid,
              .pgrp = *pgrp,
              .session = *session,
              .flags = main_thread_ended ? *flags & ~Stat::kExiting : *flags,
              .start_ticks = *start};
}

Proc::Proc(std::filesystem::path root) : root_(std::move(root)) {}

std::vector<pid_t> Proc::Pids() const {
  std::vector<pid_t> pids;
  ListDirectory(root_.native(), [&pids](int, const char* name) {
    if (*name < '1' || *name > '9') return;
    if (const std::optional<pid_t> pid = ParseNumber<pid_t>(name)) pids.push_back(*pid);
  });
  return pids;
}

std::optional<std::string> Proc::ReadFile(pid_t pid, const char* what) const {
  return ReadWhole(root_.native() + '/' + std::to_string(pid) + '/' + what);
}

std::optional<Stat> Proc::ReadStat(pid_t pid) const {
  const std::optional<std::string> text = ReadFile(pid, "stat");
  return text ? ParseStat(*text) : std::nullopt;
}

std::vector<pid_t> Proc::NewestPids(int count) const {
  // The last of the five words (proc_loadavg(5)); ns_last_pid, made for it, is not in every kernel.
  const std::optional<std::string> text = ReadWhole(root_.native() + "/loadavg");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  std::string_view line = TakeUntil(rest, '\n');
  for (int word = 1; word < 5; ++word) static_cast<void>(TakeWord(line));
  const pid_t newest = ParseNumber<pid_t>(TakeWord(line)).value_or(0);
  std::vector<pid_t> pids;
  for (pid_t pid = newest; pid > std::max(0, newest - count); --pid) pids.push_back(pid);
  return pids;
}

std::vector<pid_t> Proc::Children(pid_t pid) const {
  const std::optional<std::string> text = ReadFile(pid, ("task/" + std::to_string(pid) + "/children").c_str());
  std::vector<pid_t> children;
  for (std::string_view rest = text ? *text : std::string_view(); !rest.empty();) {
    if (const auto child = ParseNumber<pid_t>(TakeWord(rest))) children.push_back(*child);
  }
  return children;
}

bool Proc::Executing(pid_t pid) const {
  const std::optional<std::string> environment = ReadFile(pid, "environ");
  if (!environment || !environment->empty()) return false;
  const std::optional<std::string> stat = ReadFile(pid, "stat");
  return stat && HasNoEnvironmentYet(*stat);
}

std::optional<std::string> Proc::ReadExecuted(pid_t pid, const char* what) const {
  using std::chrono::steady_clock;
  std::optional<std::string> text = ReadFile(pid, what);
  const auto until = steady_clock::now() + kExecTimeout;
  while (text && text->empty() && Executing(pid) && steady_clock::now() < until) {
    ::poll(nullptr, 0, 1);  // nothing tells when execve is done
    text = ReadFile(pid, what);
  }
  return text;
}

std::vector<std::string> Proc::ReadCommand(pid_t pid) const {
  const std::optional<std::string> text = ReadExecuted(pid, "cmdline");
  if (!text) return {};
  std::vector<std::string> command;
  for (std::string_view rest = std::string_view(*text).substr(0, kMostOfCommand); !rest.empty();)
    command.emplace_back(TakeUntil(rest, '\0'));
  if (text->size() > kMostOfCommand) {
    command.back() += "...";
    return command;
  }
  std::size_t used = command.size();
  while (used > 0 && command[used - 1].empty()) --used;
  if (command.size() - used >= kTitlePadding) command.resize(used);
  return command;
}

std::optional<std::string> Proc::FindInEnviron(pid_t pid, std::string_view name) const {
  const std::optional<std::string> text = ReadExecuted(pid, "environ");
  if (!text || name.empty()) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view entry = TakeUntil(rest, '\0');
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return std::string(entry.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::string> Proc::ReadLink(pid_t pid, const std::string& what) const {
  return ReadLinkAt(AT_FDCWD, (root_.native() + '/' + std::to_string(pid) + '/' + what).c_str());
}

std::optional<uid_t> Proc::Uid(pid_t pid) const {
  // Not the directory's owner: that is root for every process that may not be dumped (proc(5)).
  const std::optional<std::string> text = ReadFile(pid, "status");
  std::optional<std::string_view> line = text ? FindLine(*text, "Uid:") : std::nullopt;
  if (!line) return std::nullopt;
  static_cast<void>(TakeWord(*line));  // the real one; what a report and ps(1) show is the effective one
  return ParseNumber<uid_t>(TakeWord(*line));
}

std::optional<std::uint64_t> Proc::ReadLocksLimit(pid_t pid) const {
  const std::optional<std::string> text = ReadFile(pid, "limits");
  std::optional<std::string_view> line = text ? FindLine(*text, "Max file locks ") : std::nullopt;
  return line ? ParseNumber<std::uint64_t>(TakeWord(*line)) : std::nullopt;
}

pid_t Proc::TracerPid(pid_t pid) const {
  const std::optional<std::string> text = ReadFile(pid, "status");
  std::optional<std::string_view> line = text ? FindLine(*text, "TracerPid:") : std::nullopt;
  return line ? ParseNumber<pid_t>(TakeWord(*line)).value_or(0) : 0;
}

std::string Proc::WaitChannel(pid_t pid) const {
  std::string text = ReadFile(pid, "wchan").value_or("");
  return text == "0" ? "" : text;
}

std::optional<std::vector<std::uint64_t>> Proc::SocketInodes(pid_t pid) const {
  std::vector<std::uint64_t> inodes;
  bool empty = true;
  const auto take = [&](int fd, const char* name) {
    if (*name == '.') return;
    empty = false;
    const std::optional<std::string> link = ReadLinkAt(fd, name);
    if (const auto inode = link ? SocketInode(*link) : std::nullopt) inodes.push_back(*inode);
  };
  const std::string directory = root_.native() + '/' + std::to_string(pid);
  if (!ListDirectory(directory + "/fd", take)) return std::nullopt;
  // The descriptors shown there are the main thread's. When it has ended (pthread_exit(3)), the other threads
  // still have the table, and show it.
  if (empty) {
    ListDirectory(directory + "/task", [&](int, const char* thread) {
      if (empty && *thread != '.') ListDirectory(directory + "/task/" + thread + "/fd", take);
    });
  }
  return inodes;
}

std::optional<std::map<int, std::string>> Proc::Descriptors(pid_t pid) const {
  std::map<int, std::string> descriptors;
  const std::string directory = root_.native() + '/' + std::to_string(pid) + "/fd";
  const bool listed = ListDirectory(directory, [&descriptors](int fd, const char* name) {
    const auto number = ParseNumber<int>(name);
    std::optional<std::string> link = number ? ReadLinkAt(fd, name) : std::nullopt;
    if (link) descriptors.emplace(*number, std::move(*link));
  });
  if (!listed) return std::nullopt;
  return descriptors;
}

std::uint64_t Proc::ResidentBytes(pid_t pid) const {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::optional<std::string> text = ReadFile(pid, "statm");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  static_cast<void>(TakeWord(rest));
  return ParseNumber<std::uint64_t>(TakeWord(rest)).value_or(0) * page;
}

std::optional<ProcessInfo> Proc::Describe(pid_t pid) const {
  const std::optional<Stat> stat = ReadStat(pid);
  if (!stat) return std::nullopt;
  return ProcessInfo{.pid = stat->pid,
                     .parent = stat->ppid,
                     .group = stat->pgrp,
                     .session = stat->session,
                     .uid = Uid(pid).value_or(0),
                     .state = stat->state,
                     .name = stat->comm,
                     .command = ReadCommand(pid),
                     .cwd = ReadLink(pid, "cwd").value_or(""),
                     .ports = {},
                     .start_ticks = stat->start_ticks,
                     .started = BootTime(root_.native()) + FromTicks(stat->start_ticks),
                     .exe = {},
                     .resident_bytes = 0};
}

const Proc& SystemProc() {
  static const auto& proc = *new Proc;
  return proc;
}

}  // namespace curfew::procfs
