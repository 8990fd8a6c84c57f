// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace curfew::escape {
namespace {

using process::FileDescriptor;

std::vector<std::string> Environment(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    const bool ours = name.starts_with("CURFEW_") && name != "CURFEW_TIMEOUT_SCALE";
    if (!ours && !name.starts_with("GTEST_") && !variables.contains(name)) entries.push_back(text);
  }
  for (const auto& [name, value] : variables) entries.push_back(std::string(name).append("=").append(value));
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child: as a shell leaves a job that it is about to execute.
[[noreturn]] void Become(int in, int out, const char* cgroup_procs, char* const* argv, char* const* environment) {
  if (cgroup_procs != nullptr) {
    const int procs = ::open(cgroup_procs, O_WRONLY | O_CLOEXEC);
    if (procs < 0 || ::write(procs, "0", 1) != 1) ::_exit(126);
  }
  for (int signal = 1; signal < 65; ++signal) ::signal(signal, SIG_DFL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::close_range(3, ~0U, 0);
  ::execvpe(argv[0], argv, environment);
  ::_exit(127);
}

std::vector<std::string> UnderCtest(const Program::Launch& launch) {
  std::ofstream file(launch.directory + "/CTestTestfile.cmake");
  file << "add_test(ends";
  for (const auto& argument : launch.argv) file << " [==[" << argument << "]==]";
  file << ")\nset_tests_properties(ends PROPERTIES TIMEOUT 300)\n";
  if (launch.ctest_times_out)
    file << "set_tests_properties(ends PROPERTIES TIMEOUT_AFTER_MATCH \"1;the server is up\")\n";
  return {"ctest", "--test-dir", launch.directory, "--verbose"};
}

}  // namespace

Program::Program(const Launch& launch) {
  switch (launch.under) {
    case Under::kShell:
      StartDirectly(launch, launch.argv);
      break;
    case Under::kTerminal:
      StartInTerminal(launch);
      break;
    case Under::kCtest:
      StartDirectly(launch, UnderCtest(launch));
      break;
    case Under::kTimeout: {
      std::vector<std::string> argv = {"timeout", "-k", "1", "300"};
      argv.insert(argv.end(), launch.argv.begin(), launch.argv.end());
      StartDirectly(launch, argv);
      break;
    }
  }
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);  // our uncollected child
    ::waitpid(pid_, nullptr, 0);
  }
}

void Program::StartDirectly(const Launch& launch, const std::vector<std::string>& words) {
  auto argv = words;
  auto environment = Environment(launch.variables);
  const auto argument_pointers = Pointers(argv);
  const auto environment_pointers = Pointers(environment);
  const std::string procs = launch.cgroup + "/cgroup.procs";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for a program");
  reading_.Reset(ends[0]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const FileDescriptor writing(ends[1]);
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, 0);
    Become(null.get(), writing.get(), launch.cgroup.empty() ? nullptr : procs.c_str(), argument_pointers.data(),
           environment_pointers.data());
  }
  ::setpgid(pid_, pid_);  // both do it, so that it is done whoever is first
}

void Program::StartInTerminal(const Launch& launch) {
  auto argv = launch.argv;
  auto environment = Environment(launch.variables);
  const auto argument_pointers = Pointers(argv);
  const auto environment_pointers = Pointers(environment);
  const std::string procs = launch.cgroup + "/cgroup.procs";
  reading_.Reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  int told[2];
  if (!reading_.valid() || ::grantpt(reading_.get()) != 0 || ::unlockpt(reading_.get()) != 0 ||
      ::pipe2(told, O_CLOEXEC) != 0) {
    throw std::runtime_error("no terminal");
  }
  told_.Reset(told[0]);
  ::fcntl(told[0], F_SETFL, O_NONBLOCK);
  const FileDescriptor telling(told[1]);
  const std::string name = ::ptsname(reading_.get());
  pid_ = ::fork();
  if (pid_ != 0) return;
  // The shell: leader of the terminal's session, with the program as its job in the foreground.
  ::setsid();
  const int terminal = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
  ::ioctl(terminal, TIOCSCTTY, 0);
  ::signal(SIGTTOU, SIG_IGN);
  const pid_t job = ::fork();
  if (job == 0) {
    ::setpgid(0, 0);
    ::tcsetpgrp(terminal, ::getpid());
    Become(terminal, terminal, launch.cgroup.empty() ? nullptr : procs.c_str(), argument_pointers.data(),
           environment_pointers.data());
  }
  ::close(terminal);  // it keeps its session, and holds no output
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  int status = 0;
  ::waitpid(job, &status, 0);
  static_cast<void>(!::write(telling.get(), &status, sizeof status));
  for (;;) ::pause();  // a shell stays; without it the terminal would hang up on whoever is left
}

std::optional<int> Program::Status() {
  if (status_) return status_;
  int status = 0;
  if (told_.valid()) {
    if (::read(told_.get(), &status, sizeof status) == static_cast<ssize_t>(sizeof status)) status_ = status;
  } else if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = status;
    pid_ = 0;
  }
  return status_;
}

void Program::Signal(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);  // our uncollected child
}

void Program::PressCtrlC() const {
  static_cast<void>(!::write(reading_.get(), "\x03", 1));
}

void Program::Pump() {
  char piece[4096];
  while (!output_ended_) {
    const ssize_t got = ::read(reading_.get(), piece, sizeof piece);
    if (got > 0) {
      output_.append(piece, static_cast<std::size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    } else {
      output_ended_ = true;  // a terminal ends with EIO
    }
  }
}

}  // namespace curfew::escape
