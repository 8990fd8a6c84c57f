// SPDX-License-Identifier: Apache-2.0
#include "stranger.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "process/tag.h"
#include "processes.h"

namespace curfew::escape {

Stranger::Stranger(std::vector<std::string> argv, pid_t group) {
  const int page = ::memfd_create("stranger", 0);  // not close-on-exec
  if (page < 0 || ::ftruncate(page, 4096) != 0) throw std::runtime_error("no memory for a stranger");
  void* const map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
  if (map == MAP_FAILED) throw std::runtime_error("no memory for a stranger");
  seen_ = static_cast<volatile int*>(map);
  std::vector<char*> arguments;
  for (auto& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::string file = "ESCAPE_STRANGER=/proc/self/fd/" + std::to_string(page);
  std::string mark = "CURFEW_MARK=cf0000000001/Another.Test/hostile";
  char* const environment[] = {file.data(), mark.data(), nullptr};
  const auto tag = process::Tag::ForNewRun(process::TagCeiling());
  pid_ = ::fork();
  if (pid_ == 0) {
    group == 0 ? static_cast<void>(::setsid()) : static_cast<void>(::setpgid(0, group));
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a driver that is killed leaves none
    if (tag) static_cast<void>(process::ApplyTag(tag->WithSlot(0)));
    const int null = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
    ::close_range(3, static_cast<unsigned>(page) - 1, 0);
    ::close_range(static_cast<unsigned>(page) + 1, ~0U, 0);
    ::execve(arguments[0], arguments.data(), environment);
    ::_exit(127);
  }
  ::close(page);
  if (!testing_support::Eventually([this] { return seen_[0] != 0; }))
    throw std::runtime_error("a stranger did not begin");
}

Stranger::~Stranger() {
  ::kill(pid_, SIGKILL);  // our uncollected child
  ::waitpid(pid_, nullptr, 0);
  ::munmap(const_cast<int*>(seen_), 4096);
}

std::string Stranger::Harm() const {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0) return "is gone";
  if (info.si_pid == pid_) {
    return std::string(info.si_code == CLD_STOPPED ? "was stopped" : "was ended") + " (" +
           std::to_string(info.si_status) + ")";
  }
  std::string harm;
  for (int signal = 1; signal < 65; ++signal) {
    if (seen_[signal] != 0) harm += "got signal " + std::to_string(signal) + "; ";
  }
  return harm;
}

}  // namespace curfew::escape
