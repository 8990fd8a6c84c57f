// SPDX-License-Identifier: Apache-2.0
// The one file that launches through Boost.Process.
//
// v2's stock launcher is not used: it forks (tens of milliseconds from a large parent), leaks descriptors,
// leaves a zombie when exec fails, and runs the parent's exit handlers in that child. A launcher of one's own
// is v2's documented extension point; this one keeps v2's initializers and process handle.
#include "process/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

#include "process/listen_filter.h"
#include "process/names.h"
#include "process/raw_fork.h"
#include "procfs/proc.h"

namespace curfew::process {
namespace {

namespace v2 = boost::process::v2;
using Executor = boost::asio::io_context::executor_type;
using v2::error_code;

enum class Step : int {
  kNone,
  kSeal,
  kProc,
  kCgroup,
  kParentDeathSignal,
  kSession,
  kGroup,
  kDescriptors,
  kTag,
  kWorkingDir,
  kExec
};

// What a child that could not become the program writes into the pipe; nothing is written when exec succeeds. kNone is
// no failure: the number of the process that was born into a seal.
// A pipe and not a shared variable: TSan turns vfork into fork.
struct ChildFailure {
  Step step;
  int error;
};

FileDescriptor DuplicateAbove(int fd, int lowest) {
  return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
}

error_code LastError() { return {errno, boost::system::system_category()}; }

// Blocks every signal and puts the mask back. While it holds no handler of the caller's can run in the child,
// which shares the caller's memory until exec.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t previous_;
};

// A v2 initializer: everything that is prepared in the parent (on_setup) and the few calls of the child
// (on_exec_setup, async-signal-safe only: the child shares the parent's memory).
class ChildSetup {
 public:
  explicit ChildSetup(const LaunchRequest& request) : request_(request), parent_(::getpid()) {
    for (const auto& argument : request.argv) argv_.push_back(argument.c_str());
    argv_.push_back(nullptr);
    for (const auto& entry : request.environment) environment_.push_back(entry.c_str());
    environment_.push_back(nullptr);
  }

  template <class L>
  error_code on_setup(L& launcher, const v2::filesystem::path&, const char* const*& command_line) {
    command_line = argv_.data();  // v2 would put the path into argv[0]
    if (request_.listen_pid) {
      environment_.back() = listen_pid_.data();
      environment_.push_back(nullptr);
    }
    launcher.env = environment_.data();
    first_unused_ = 3 + static_cast<int>(request_.descriptors.size());
    if (request_.inherit_descriptors) return {};
    // Sources are moved above every target first, so that no dup2 in the child overwrites a later source.
    const int standard[] = {request_.stdin_fd, request_.stdout_fd, request_.stderr_fd};
    for (const int fd : standard) {
      sources_.push_back(fd >= 0 ? DuplicateAbove(fd, first_unused_) : OpenNull(first_unused_));
      if (!sources_.back().valid()) return LastError();
    }
    for (const int fd : request_.descriptors) {
      sources_.push_back(DuplicateAbove(fd, first_unused_));
      if (!sources_.back().valid()) return LastError();
    }
    if (request_.listen_filter_socket >= 0) {
      filter_socket_ = DuplicateAbove(request_.listen_filter_socket, first_unused_);
      if (!filter_socket_.valid()) return LastError();
    }
    launcher.lowest_pipe = first_unused_;
    launcher.seal = request_.seal;
    if (request_.cgroup_entry == LaunchRequest::Entry::kAtBirth) launcher.birth_cgroup = request_.cgroup_fd;
    return {};
  }

  template <class L>
  error_code on_exec_setup(L& launcher, const v2::filesystem::path&, const char* const*&) {
    ResetSignals();
    if (request_.listen_pid) WriteListenPid(::getpid());
    launcher.step = Step::kCgroup;
    if (request_.cgroup_fd >= 0 && launcher.birth_cgroup < 0 && !EnterCgroup()) return LastError();
    launcher.step = Step::kParentDeathSignal;
    if (request_.parent_death_signal != 0) {
      if (::prctl(PR_SET_PDEATHSIG, request_.parent_death_signal) != 0) return LastError();
      // The parent may have ended before the line above; then nobody would tell.
      // Inside a seal every parent outside is 0; with its parent the seal ends, and so does this process.
      if (request_.seal == nullptr && ::getppid() != parent_) ::_exit(127);
    }
    launcher.step = Step::kProc;
    if (request_.seal != nullptr && request_.seal->own_proc()) {
      if (const int error = MountOwnProc()) return {error, boost::system::system_category()};
    }
    launcher.step = Step::kSession;
    if (request_.new_session && ::setsid() < 0) return LastError();
    launcher.step = Step::kGroup;
    if (request_.new_group && !request_.new_session && ::setpgid(0, 0) != 0) return LastError();
    launcher.step = Step::kTag;
    if (request_.tag) {
      if (const int error = ApplyTag(*request_.tag)) return {error, boost::system::system_category()};
    }
    launcher.step = Step::kDescriptors;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (::dup2(sources_[i].get(), static_cast<int>(i)) < 0) return LastError();
    }
    // Marked, not closed: the error pipe has to live until exec.
    if (!request_.inherit_descriptors &&
        ::syscall(SYS_close_range, static_cast<unsigned>(first_unused_), UINT_MAX, 4U /* CLOEXEC */) != 0) {
      return LastError();
    }
    launcher.step = Step::kWorkingDir;
    if (!request_.working_dir.empty() && ::chdir(request_.working_dir.c_str()) != 0) return LastError();
    if (filter_socket_.valid()) SetListenFilter(filter_socket_.get(), request_.listen_filter_gives_up_privileges);
    sigset_t mask;
    sigemptyset(&mask);
    if (request_.signal_mask) mask = *request_.signal_mask;
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    launcher.step = Step::kExec;
    return {};
  }

 private:
  static FileDescriptor OpenNull(int lowest) {
    const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return null.valid() ? DuplicateAbove(null.get(), lowest) : FileDescriptor();
  }

  bool EnterCgroup() const {
    const int procs = ::openat(request_.cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    return procs >= 0 && ::write(procs, "0", 1) == 1;  // 0 is whoever writes (cgroups(7))
  }

  // Into the text that is among the environment's already: a formatted number without allocating.
  void WriteListenPid(pid_t pid) {
    std::array<char, 12> digits{};
    std::size_t count = 0;
    for (; pid > 0; pid /= 10) digits[count++] = static_cast<char>('0' + pid % 10);
    char* out = listen_pid_.data() + kListenPid.size();
    while (count > 0) *out++ = digits[--count];
    *out = '\0';
  }

  // exec resets handlers but keeps what is ignored; and a pending signal must not run a handler of the
  // parent's here once the mask is empty.
  void ResetSignals() const {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
    action.sa_handler = SIG_IGN;
    for (const int signal : request_.ignored_signals) ::sigaction(signal, &action, nullptr);
  }

  const LaunchRequest& request_;
  pid_t parent_;
  std::vector<const char*> argv_;
  std::vector<const char*> environment_;
  std::vector<FileDescriptor> sources_;
  FileDescriptor filter_socket_;
  static constexpr std::string_view kListenPid = "LISTEN_PID=";
  std::array<char, 24> listen_pid_{"LISTEN_PID="};  // room for the longest number
  int first_unused_ = 3;
};

// A silent end of the pipe is an exec, or a death before it. exec clears the flag before it closes anything.
bool NeverExecuted(pid_t pid) {
  constexpr std::uint64_t kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC
  const auto stat = procfs::Proc().ReadStat(pid);
  return stat && (stat->flags & kForkedWithoutExec) != 0;
}

// What the child has to say next; nothing once it has executed the program or ended.
std::optional<ChildFailure> Hear(int read_end) {
  ChildFailure said{};
  ssize_t got = 0;
  do {
    got = ::read(read_end, &said, sizeof said);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof said)) return std::nullopt;
  return said;
}

// ECHILD: SIGCHLD is ignored or somebody's handler was faster; either way it is collected.
void CollectChild(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

struct IsolatedLauncher : v2::posix::default_launcher {
  Step step = Step::kNone;
  int lowest_pipe = 3;
  int birth_cgroup = -1;
  const Seal* seal = nullptr;

  template <class Args, class... Inits>
  v2::basic_process<Executor> operator()(Executor executor, error_code& ec, const v2::filesystem::path& program,
                                         Args&& args, Inits&&... inits) {
    auto argv = this->build_argv_(program, std::forward<Args>(args));
    ec = v2::posix::detail::on_setup(*this, program, argv, inits...);
    if (ec) return v2::basic_process<Executor>(executor);

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      ec = LastError();
      return v2::basic_process<Executor>(executor);
    }
    const FileDescriptor read_end(ends[0]);
    FileDescriptor write_end(ends[1]);
    write_end = DuplicateAbove(write_end.get(), lowest_pipe);
    if (!write_end.valid()) {
      ec = LastError();
      return v2::basic_process<Executor>(executor);
    }
    {
      const BlockedSignals blocked;
      step = Step::kCgroup;
      if (seal != nullptr) {
        pid = ForkInto(*seal, write_end.get());
      } else {
        pid = birth_cgroup < 0 ? ::vfork() : RawFork(0, birth_cgroup);
      }
      if (pid == 0) BecomeProgram(write_end.get(), program, argv, inits...);
      if (pid < 0) ec = LastError();
    }
    write_end.Reset();
    if (pid < 0) {
      if (birth_cgroup < 0) step = Step::kNone;
      return v2::basic_process<Executor>(executor);
    }
    return Collect(executor, ec, read_end.get());
  }

 private:
  // setns(2) into a PID namespace holds for children only, so it takes one process in between. What that begins is its
  // sibling, a child of ours: we hear of its end as of any other's. Returns in the parent and in the sibling.
  pid_t ForkInto(const Seal& into, int pipe) const {
    const pid_t between = RawFork(0, birth_cgroup);
    if (between != 0) return between;
    ChildFailure said{Step::kSeal, EnterForChildren(into)};
    if (said.error == 0) {
      const pid_t born = RawFork(CLONE_PARENT);
      if (born == 0) return 0;
      said = born > 0 ? ChildFailure{Step::kNone, born} : ChildFailure{Step::kSeal, errno};
    }
    [[maybe_unused]] const auto written = ::write(pipe, &said, sizeof said);
    ::_exit(0);
  }

  template <class... Inits>
  [[noreturn]] void BecomeProgram(int error_pipe, const v2::filesystem::path& program,
                                  const char* const*& argv, Inits&&... inits) {
    error_code ec = v2::posix::detail::on_exec_setup(*this, program, argv, inits...);
    if (!ec) {
      ::execve(program.c_str(), const_cast<char* const*>(argv), const_cast<char* const*>(env));
      ec = LastError();
    }
    const ChildFailure failure{step, ec.value()};
    [[maybe_unused]] const auto written = ::write(error_pipe, &failure, sizeof failure);
    ::_exit(127);
  }

  v2::basic_process<Executor> Collect(Executor executor, error_code& ec, int read_end) {
    std::optional<ChildFailure> failure;
    pid_t born = 0;
    while (const auto said = Hear(read_end)) {
      if (said->step == Step::kNone) {
        born = said->error;
      } else {
        failure = said;
      }
    }
    if (seal != nullptr) {
      CollectChild(pid);  // the one in between
      pid = born;
      if (born == 0 && !failure) failure = {Step::kSeal, ECHILD};
    }
    const bool forked = birth_cgroup >= 0 || seal != nullptr;
    if (!failure && forked && NeverExecuted(pid)) {
      failure = {birth_cgroup >= 0 ? Step::kCgroup : Step::kSeal, ECANCELED};
    }
    if (!failure) {
      step = Step::kNone;
      // Not attached to v2's handle: that opens a pidfd and throws if the process is gone already, which it may be
      // where SIGCHLD is ignored. We keep a pidfd of our own, and only our own reaper may wait.
      return v2::basic_process<Executor>(executor);
    }
    if (pid > 0) CollectChild(pid);
    step = failure->step;
    ec.assign(failure->error, boost::system::system_category());
    return v2::basic_process<Executor>(executor);
  }
};

std::string Describe(Step step, const LaunchRequest& request) {
  switch (step) {
    case Step::kNone: return "prepare to launch " + request.executable;
    case Step::kSeal: return "enter the server's namespaces";
    case Step::kProc: return "mount a /proc of its own";
    case Step::kCgroup: return kEnterCgroup;
    case Step::kParentDeathSignal: return "prctl(PR_SET_PDEATHSIG)";
    case Step::kSession: return "setsid";
    case Step::kGroup: return "setpgid";
    case Step::kDescriptors: return "set up descriptors";
    case Step::kTag: return "setrlimit(RLIMIT_LOCKS)";
    case Step::kWorkingDir: return "enter the working directory " + request.working_dir;
    case Step::kExec: return "execute " + request.executable;
  }
  return "launch";
}

class BoostLauncher : public Launcher {
 public:
  Result<Pidfd> Launch(const LaunchRequest& request) override {
    try {
      return TryLaunch(request);
    } catch (const boost::system::system_error& error) {  // Asio's own descriptors
      return Failure{"prepare to launch " + request.executable, error.code().value()};
    }
  }

 private:
  static Result<Pidfd> TryLaunch(const LaunchRequest& request) {
    boost::asio::io_context context(1);
    IsolatedLauncher launcher;
    error_code ec;
    static_cast<void>(launcher(context.get_executor(), ec, v2::filesystem::path(request.executable),
                            std::vector<std::string>{}, ChildSetup(request)));
    if (ec) return Failure{Describe(launcher.step, request), ec.value()};
    auto pidfd = Pidfd::Open(launcher.pid);
    // Gone and collected already (SIGCHLD ignored in the caller): launched all the same.
    if (!pidfd.ok() && pidfd.failure().error == ESRCH) return Pidfd::Gone(launcher.pid);
    if (!pidfd.ok()) {
      // Running, and cannot be pinned (no descriptor left): a launch that cannot be watched is none. Our uncollected
      // child, so the number is its own; where SIGCHLD is ignored it may be no child any more.
      siginfo_t child{};
      if (::waitid(P_PID, static_cast<id_t>(launcher.pid), &child, WEXITED | WNOHANG | WNOWAIT) == 0) {
        ::kill(launcher.pid, SIGKILL);
      }
      while (::waitpid(launcher.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    return pidfd;
  }
};

}  // namespace

Launcher& Launcher::Real() {
  static auto& launcher = *new BoostLauncher;  // never destroyed: servers may be started from exit handlers
  return launcher;
}

}  // namespace curfew::process
