// SPDX-License-Identifier: Apache-2.0
#include "process/seal.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include "process/raw_fork.h"

namespace curfew::process {
namespace {

// The init's descriptors.
constexpr int kControl = 0;
constexpr int kReport = 1;
constexpr int kSignals = 2;

enum class Step : int { kReady, kMaps, kDescriptors };
// What the init says once, when it is up or cannot be.
struct Report {
  Step step;
  int error;
  bool own_proc;
};

struct Identity {
  std::string uid_map;
  std::string gid_map;
};

bool WriteFile(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Without privilege exactly this is allowed: oneself to oneself, and groups only once setgroups(2) is off for good.
bool MapIdentity(const Identity& identity) {
  return WriteFile("/proc/self/setgroups", "deny") && WriteFile("/proc/self/uid_map", identity.uid_map) &&
         WriteFile("/proc/self/gid_map", identity.gid_map);
}

bool TakeDescriptors(int control, int report) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int high_control = ::fcntl(control, F_DUPFD, 3);
  const int high_report = ::fcntl(report, F_DUPFD, 3);
  const int high_signals = ::fcntl(::signalfd(-1, &child, 0), F_DUPFD, 3);
  if (::dup2(high_control, kControl) < 0 || ::dup2(high_report, kReport) < 0 || ::dup2(high_signals, kSignals) < 0) {
    return false;
  }
  return ::syscall(SYS_close_range, 3U, UINT_MAX, 0U) == 0;
}

// Until everything inside is gone, or the caller is.
[[noreturn]] void RunInit() {
  bool finish = false;
  for (;;) {
    pid_t pid = 0;
    do {
      pid = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    } while (pid > 0);
    // Whoever is inside descends from us by now.
    if (finish && pid < 0 && errno == ECHILD) ::_exit(0);
    pollfd events[] = {{kControl, POLLIN, 0}, {kSignals, POLLIN, 0}};
    if (::poll(events, 2, -1) < 0) continue;
    signalfd_siginfo ignored{};
    if (events[1].revents != 0) [[maybe_unused]] const auto got = ::read(kSignals, &ignored, sizeof ignored);
    char byte = 0;
    if (events[0].revents != 0) {
      if (::read(kControl, &byte, 1) != 1) ::_exit(1);
      finish = true;
    }
  }
}

[[noreturn]] void BecomeInit(int control, int report, const Identity* identity) {
  const auto tell = [&report](Step step, bool own_proc) {
    const Report text{step, step == Step::kReady ? 0 : errno, own_proc};
    [[maybe_unused]] const auto written = ::write(report, &text, sizeof text);
  };
  // Should the caller have ended before this, the end of the control pipe tells.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "curfew-init");
  ::setsid();
  if (identity != nullptr && !MapIdentity(*identity)) {
    tell(Step::kMaps, false);
    ::_exit(1);
  }
  if (!TakeDescriptors(control, report)) {
    tell(Step::kDescriptors, false);
    ::_exit(1);
  }
  report = kReport;
  const bool own_proc = MountOwnProc() == 0;
  [[maybe_unused]] const int moved = ::chdir("/");
  tell(Step::kReady, own_proc);
  ::close(kReport);
  RunInit();
}

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &previous_);
  }
  ~AllSignalsBlocked() { ::sigprocmask(SIG_SETMASK, &previous_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t previous_;
};

void CollectInit(pid_t pid) {
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
    // It is ending.
  }
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Failure{"make a pipe", errno};
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

Result<Seal> Seal::Make() {
  auto control = MakePipe();
  auto report = MakePipe();
  if (!control.ok()) return control.failure();
  if (!report.ok()) return report.failure();
  const Identity identity{std::to_string(::geteuid()) + ' ' + std::to_string(::geteuid()) + " 1",
                          std::to_string(::getegid()) + ' ' + std::to_string(::getegid()) + " 1"};
  // Without a user namespace nothing changes for who is privileged; else there is no other way.
  int namespaces = CLONE_NEWPID;
  pid_t pid = -1;
  {
    const AllSignalsBlocked blocked;  // no handler of the caller's may run in its copy
    pid = RawFork(CLONE_NEWPID, -1, 0);
    if (pid < 0 && errno == EPERM) {
      namespaces |= CLONE_NEWUSER;
      pid = RawFork(CLONE_NEWPID | CLONE_NEWUSER, -1, 0);
    }
    const bool mapped = (namespaces & CLONE_NEWUSER) != 0;
    if (pid == 0) BecomeInit(control->read_end.get(), report->write_end.get(), mapped ? &identity : nullptr);
    if (pid < 0) {
      return Failure{mapped ? "make a user and a PID namespace" : "make a PID namespace", errno};
    }
  }
  report->write_end.Reset();
  auto init = Pidfd::Open(pid);
  Report said{Step::kDescriptors, ECHILD, false};
  ssize_t got = 0;
  do {
    got = ::read(report->read_end.get(), &said, sizeof said);
  } while (got < 0 && errno == EINTR);
  if (!init.ok() || said.step != Step::kReady) {
    control->write_end.Reset();
    if (init.ok()) static_cast<void>(init->Signal(SIGKILL));
    CollectInit(pid);
    if (!init.ok()) return init.failure();
    return Failure{
        said.step == Step::kMaps ? "map the user into a user namespace" : "begin the init of a PID namespace",
        said.error};
  }
  return Seal(std::move(*init), std::move(control->write_end), namespaces, said.own_proc);
}

void Seal::End() const {
  static_cast<void>(init_.Signal(SIGKILL));
  CollectInit(init_.pid());
}

void Seal::Finish() const { [[maybe_unused]] const auto written = ::write(control_.get(), "f", 1); }

int MountOwnProc() {
  // Not with what is mounted here meant for the mount namespace outside, too.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return errno;
  }
  return 0;
}

int EnterForChildren(const Seal& seal) {
  // By syscall(2), as everything about pidfds here; a pidfd names all namespaces at once (setns(2), Linux 5.8).
  return ::syscall(SYS_setns, seal.init().get(), seal.namespaces()) == 0 ? 0 : errno;
}

}  // namespace curfew::process
