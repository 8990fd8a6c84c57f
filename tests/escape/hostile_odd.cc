// SPDX-License-Identifier: Apache-2.0
#include "hostile_odd.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "hostile.h"

namespace hostile {
namespace {

constexpr const char* kDisguise = "[kworker/0:1]";

void Must(bool done, const char* what) {
  if (done) return;
  ::perror(what);
  ::_exit(1);
}

void NewSession() {
  ::setsid();
}

// A clone(2) with these flags, in place when `escape` is done, then idle.
template <class Escape>
void CloneChild(unsigned long flags, Escape escape) {
  const pid_t pid = Clone(flags);
  Must(pid >= 0, "clone");
  if (pid > 0) return;
  escape();
  SayInPlace();
  Idle();
}

unsigned long WithUserNamespace(unsigned long flags) {
  return ::geteuid() == 0 ? flags : flags | CLONE_NEWUSER;
}

pid_t ParentOf(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');
  return name_end == std::string::npos ? 0 : std::atoi(text.c_str() + name_end + 4);  // after ") S "
}

// Begins a child that waits until the driver says so, then signals somebody.
void StrikeLater(pid_t target, int signal) {
  Child([] { ::setsid(); },
        [=] {
          const std::string sign = Variable("ESCAPE_DIR") + "/strike";
          while (::access(sign.c_str(), F_OK) != 0) Pause(2);
          ::kill(target, signal);
          Idle();
        });
}

}  // namespace

void Disguise() {
  const std::string copy = Variable("ESCAPE_DIR") + "/kworker-" + std::to_string(::getpid());
  std::filesystem::copy_file("/proc/self/exe", copy);
  Daemon([] {},
         [copy] {
           char* const argv[] = {const_cast<char*>(kDisguise), nullptr};
           char* const environment[] = {nullptr};
           ::execve(copy.c_str(), argv, environment);
           ::perror("execve of the disguise");
         });
  AwaitInPlace(2);  // before and after its exec
  ::unlink(copy.c_str());
}

bool InDisguise(const char* argv0) {
  return std::strcmp(argv0, kDisguise) == 0;
}

void LiveInDisguise() {
  // Spaces, parentheses and a line's end: what careless readers of /proc/PID/stat fall for.
  ::prctl(PR_SET_NAME, "x) Z 1 (1\n1 1 1");
  SayInPlace();
  Idle();
}

void TracedChild() {
  const pid_t pid = Fork();
  Must(pid >= 0, "fork");
  if (pid == 0) {
    ::setsid();
    Must(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0, "PTRACE_TRACEME");
    SayInPlace();
    ::raise(SIGSTOP);
    Idle();
  }
  ::waitpid(pid, nullptr, WUNTRACED);  // held from here on
}

void LeaderTracedByItsChild() {
  const pid_t leader = ::getpid();
  // Where a policy (yama) would refuse a child.
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  Child([leader] {
    ::setsid();
    Must(::ptrace(PTRACE_SEIZE, leader, nullptr, nullptr) == 0, "PTRACE_SEIZE");
    IgnoreStopSignals();
  });
}

void ChildrenOfAThread() {
  std::thread([] {
    for (int i = 0; i < 3; ++i) Child(NewSession);
    Idle();
  }).detach();
  AwaitInPlace(3);
}

void VforkChild() {
  Child(NewSession, [] {
    if (::vfork() == 0) {
      ::alarm(kLifetimeSeconds);
      SayInPlace();
      for (;;) ::pause();
    }
    Idle();
  });
  AwaitInPlace(2);
}

void ClonedAsSibling() {
  CloneChild(CLONE_PARENT | SIGCHLD, NewSession);
}

void ClonedWithoutSignal() {
  CloneChild(0, NewSession);
}

void OwnSubreaper() {
  Child([] {
    ::setsid();
    Must(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
    for (int i = 0; i < 3; ++i) Daemon(IgnoreStopSignals);
  });
}

void OwnPidNamespace() {
  CloneChild(WithUserNamespace(CLONE_NEWPID | SIGCHLD), [] {
    NewSession();
    for (int i = 0; i < 3; ++i) Daemon([] {});
  });
}

void OwnUserNamespace() {
  CloneChild(CLONE_NEWUSER | SIGCHLD, NewSession);
}

void OwnMountNamespace() {
  CloneChild(WithUserNamespace(CLONE_NEWNS | SIGCHLD), [] {
    NewSession();
    Must(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "make mounts private");
    Must(::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0, "mount over /tmp");
  });
}

void OwnCgroup() {
  Child([] {
    ::setsid();
    std::ofstream(Variable("ESCAPE_CGROUP") + "/elsewhere/cgroup.procs") << "0" << std::flush;
  });
}

void HoldsStdoutOfTheTest() {
  Daemon([] {
    const std::string path = "/proc/" + Variable("ESCAPE_PROGRAM") + "/fd/1";
    const int out = ::open(path.c_str(), O_WRONLY | O_NOCTTY);
    Must(out >= 0, path.c_str());
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
  });
}

void ChangesUid() {
  Daemon([] {
    constexpr uid_t kNobody = 65534;
    Must(::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
             ::setresuid(kNobody, kNobody, kNobody) == 0,
         "become nobody");
  });
}

void LowersItsTag() {
  Daemon([] {
    const rlimit low{5, 5};
    Must(::setrlimit(RLIMIT_LOCKS, &low) == 0, "lower RLIMIT_LOCKS");
  });
}

void KillsItsWarden() {
  Daemon([] {});
  StrikeLater(::getppid(), SIGKILL);
}

void StopsItsWarden() {
  StrikeLater(::getppid(), SIGSTOP);
}

void StopsItsKeeper() {
  const pid_t keeper = ParentOf(::getppid());
  Must(keeper > 1, "find the parent of the warden");
  StrikeLater(keeper, SIGSTOP);
}

}  // namespace hostile
