// SPDX-License-Identifier: Apache-2.0
// Twenty tests that pass, and each leaves something else behind. Every process prints its number into the file
// STRAYS/TEST, and ends by its own alarm should everything else fail.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

namespace {

using Body = std::function<void()>;

std::string StrayFile() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "." + test->name();
  std::replace(name.begin(), name.end(), '/', '+');  // of parameterised tests
  return std::string(std::getenv("STRAYS")) + "/" + name;
}

void Note(pid_t pid) {
  const auto line = std::to_string(pid) + "\n";
  const int fd = open(StrayFile().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (write(fd, line.data(), line.size()) < 0) _exit(1);
  close(fd);
}

[[noreturn]] void Stay() {
  alarm(120);
  for (;;) pause();
}

// A child that does this first; returns when it has.
pid_t Leave(const Body& body, bool orphan = false) {
  int done[2];
  if (pipe2(done, O_CLOEXEC) != 0) abort();
  const pid_t child = fork();
  if (child == 0) {
    if (orphan) {
      setsid();
      if (fork() != 0) _exit(0);
    }
    alarm(120);
    Note(getpid());
    body();
    // A byte, not the end of the pipe: what the body has begun holds it, too.
    if (write(done[1], "", 1) != 1) _exit(1);
    Stay();
  }
  close(done[1]);
  char none = 0;
  [[maybe_unused]] const auto end = read(done[0], &none, 1);
  close(done[0]);
  if (orphan) waitpid(child, nullptr, 0);
  return child;
}

void CloseAll() {
  for (int fd = 0; fd < 3; ++fd) close(fd);
}

void Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1) != 0) _exit(1);
}

void Exec(const char* program, const char* name, bool keep_environment) {
  const char* const arguments[] = {name, "120", nullptr};
  const char* const nothing[] = {nullptr};
  execve(program, const_cast<char* const*>(arguments), keep_environment ? environ : const_cast<char* const*>(nothing));
  _exit(1);
}

void ExecDeleted() {
  const std::string copy = StrayFile() + ".program";
  std::filesystem::copy_file("/bin/sleep", copy);
  const int fd = open(copy.c_str(), O_RDONLY | O_CLOEXEC);
  std::filesystem::remove(copy);
  const char* const arguments[] = {"deleted", "120", nullptr};
  fexecve(fd, const_cast<char* const*>(arguments), environ);
  _exit(1);
}

const std::map<std::string, Body>& Kinds() {
  static const std::map<std::string, Body> kinds = {
      {"Child", [] { Leave([] {}); }},
      {"OwnGroup", [] { Leave([] { setpgid(0, 0); }); }},
      {"OwnSession", [] { Leave([] { setsid(); }); }},
      {"Daemon", [] { Leave([] {}, true); }},
      {"DaemonClosed", [] { Leave(CloseAll, true); }},
      {"DaemonElsewhere",
       [] {
         Leave(
             [] {
               if (chdir("/") != 0) _exit(1);
             },
             true);
       }},
      {"DaemonWithoutEnvironment", [] { Leave([] { Exec("/bin/sleep", "sleep", false); }, true); }},
      {"Executed", [] { Leave([] { Exec("/bin/sleep", "sleep", true); }); }},
      {"ExecutedWithoutEnvironment", [] { Leave([] { Exec("/bin/sleep", "sleep", false); }); }},
      {"Stopped", [] { kill(Leave([] {}), SIGSTOP); }},
      {"DeafToTerm", [] { Leave([] { signal(SIGTERM, SIG_IGN); }, true); }},
      {"Listener", [] { Leave(Listen); }},
      {"DaemonListener", [] { Leave(Listen, true); }},
      {"Deleted", [] { Leave(ExecDeleted); }},
      {"WildName", [] { Leave([] { prctl(PR_SET_NAME, ") R 1 \n\x1b[31m"); }); }},
      {"WildCommand", [] { Leave([] { Exec("/bin/sleep", "a\nb \x1b]0;x\x07 ]]> <b>\xff", true); }); }},
      {"ChildOfChild", [] { Leave([] { Leave([] {}); }); }},
      {"Many",
       [] {
         for (int i = 0; i < 5; ++i) Leave([] {}, true);
       }},
      {"DaemonOfDaemon", [] { Leave([] { Leave([] {}, true); }, true); }},
      {"Zombie",
       [] {
         const pid_t pid = fork();
         if (pid == 0) _exit(0);
         Note(pid);
         siginfo_t info{};
         waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
       }},
  };
  return kinds;
}

class Leaky : public testing::TestWithParam<std::string> {};

TEST_P(Leaky, Passes) { Kinds().at(GetParam())(); }

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, body] : Kinds()) names.push_back(name);
  return names;
}

// What it begins it collects.
TEST(Clean, LeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

INSTANTIATE_TEST_SUITE_P(Kind, Leaky, testing::ValuesIn(Names()), [](const auto& test) { return test.param; });

}  // namespace
