// SPDX-License-Identifier: Apache-2.0
#include "keeper/evidence.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "process/await_fd.h"
#include "process/tail.h"
#include "procfs/system_proc.h"
#include "procfs/text.h"

namespace curfew::keeper {
namespace {

constexpr int kKernelFrames = 4;
constexpr auto kReaderPatience = std::chrono::milliseconds(100);  // for each piece

// A thread's state letter and wait channel; threads have the same files as processes, one level below.
std::string DescribeThread(const std::filesystem::path& task) {
  const auto text = procfs::ReadWhole(task / "stat");  // a thread may end at any time
  const auto stat = text ? procfs::ParseStat(*text) : std::nullopt;
  if (!stat) return "";
  std::string where;
  std::ifstream(task / "wchan") >> where;
  std::ostringstream out;
  out << "    thread " << stat->pid << " (" << stat->comm << ") state " << stat->state;
  if (!where.empty() && where != "0") out << " in " << where;
  // "45 0x3 0x7ff...", or "running"; only for who may trace it (proc(5)).
  std::string call;
  std::ifstream(task / "syscall") >> call;
  if (!call.empty()) out << (call == "running" ? ", on a processor" : ", in system call " + call);
  out << '\n';
  // For root alone: where in the kernel it waits.
  std::ifstream stack(task / "stack");
  std::string frame;
  for (int shown = 0; shown < kKernelFrames && std::getline(stack, frame); ++shown) out << "      " << frame << '\n';
  return out.str();
}

}  // namespace

std::string DescribeThreads(pid_t pid) {
  std::string text;
  std::error_code error;
  const auto tasks = procfs::SystemProc().root() / std::to_string(pid) / "task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) text += DescribeThread(task.path());
  return text;
}

std::string DescribeServer(const std::string& name, const containment::TreeFinder& finder,
                           const std::string& log_path) {
  std::ostringstream out;
  out << "  server " << name << ":\n";
  for (const auto& member : finder.Find()) {
    const auto info = finder.proc().Describe(member.pid);
    if (!info) continue;
    out << "    " << info->pid << " state " << info->state;
    if (const auto where = finder.proc().WaitChannel(member.pid); !where.empty()) out << " in " << where;
    out << "  " << info->CommandLine() << '\n';
  }
  const auto tail = process::TailLines(log_path, 10);
  if (tail.empty()) out << "    its log is empty\n";
  for (const auto& line : tail) out << "    | " << line << '\n';
  return out.str();
}

bool TracedFromOutside(const containment::TreeFinder& finder) {
  constexpr std::size_t kLookedAt = 100;  // in a large tree: a debugger is on one of the first
  std::size_t looked_at = 0;
  for (const auto& member : finder.Find()) {
    if (++looked_at > kLookedAt) break;
    const pid_t tracer = finder.proc().TracerPid(member.pid);
    if (tracer != 0 && !finder.Contains(tracer)) return true;
  }
  return false;
}

void WriteToStderrOf(const process::Pidfd& process, const std::string& text) {
  // The same open file, offset and all; refused by a strict ptrace policy (ptrace(2), yama).
  process::FileDescriptor out(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), STDERR_FILENO, 0)));
  if (!out.valid()) {
    const std::string path = "/proc/" + std::to_string(process.pid()) + "/fd/2";
    out.Reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
  // A reader that has stopped reading must not stop the keeper; POLLOUT means room for PIPE_BUF bytes.
  for (std::size_t at = 0; out.valid() && at < text.size();) {
    if (process::AwaitFd(out.get(), POLLOUT, std::chrono::steady_clock::now() + kReaderPatience) != 0) return;
    const auto written = ::write(out.get(), text.data() + at, std::min<std::size_t>(text.size() - at, PIPE_BUF));
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
}

}  // namespace curfew::keeper
