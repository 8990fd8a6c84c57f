// SPDX-License-Identifier: Apache-2.0
// victim ENDING SAMPLE [TOUCH]: starts a sample server, says so by making the file TOUCH, and ends as told. Not a
// GoogleTest program: what holds for it holds for any.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <curfew/harness.h>

// A crash on purpose is no finding: under AddressSanitizer, too, it ends the program as it would without.
extern "C" const char* __asan_default_options() { return "handle_segv=0:handle_abort=0"; }

namespace {

using namespace std::chrono_literals;

std::optional<curfew::Server> server;
std::string touched;

// SIGSTOP to our own keeper: the process of that name whose parent is not us but which has our mark.
void StopKeeper() {
  const std::string mark = std::getenv("CURFEW_MARK");
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream name(entry.path() / "comm");
    std::ifstream environment(entry.path() / "environ");
    std::string comm;
    bool marked = false;
    for (std::string variable; std::getline(environment, variable, '\0');) marked |= variable == "CURFEW_MARK=" + mark;
    if (!(name >> comm) || comm != "curfew-keeper" || !marked) continue;
    ::kill(std::stoi(entry.path().filename()), SIGSTOP);  // ours, alive, and waiting for us: the number is its own
  }
}

[[noreturn]] void HangForEver() {
  ::alarm(100);  // whatever goes wrong with the test, this ends
  for (;;) ::pause();
}

// Until the test has made the file.
void Await(const std::string& file) {
  ::alarm(100);
  while (::access(file.c_str(), F_OK) != 0) ::usleep(5000);
}

// A child that lives on without exec, and so holds every descriptor of its parent, our sockets among them.
void ForkSleeper() {
  if (::fork() == 0) HangForEver();
}

void StrayDaemon() {
  if (::fork() != 0) return;
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  for (int fd = 0; fd < 1024; ++fd) ::close(fd);
  ::alarm(100);
  char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("100"), nullptr};
  ::execvp("sleep", argv);
  ::_exit(127);
}

void Overflow(volatile char* above) {
  volatile char frame[4096];
  frame[0] = above == nullptr ? '\0' : above[0];
  if (frame[0] == '\0') Overflow(frame);  // always
}

const std::map<std::string, std::function<void()>> kEndings = {
    {"return", [] {}},
    {"await_and_return", [] { Await(touched + ".go"); }},
    {"hang", [] { HangForEver(); }},
    {"exit", [] { std::exit(0); }},
    {"_exit", [] { ::_exit(0); }},
    {"quick_exit", [] { std::quick_exit(0); }},
    {"abort", [] { std::abort(); }},
    {"terminate", [] { throw std::runtime_error("nobody catches this"); }},
    {"thread_throws", [] { std::thread([] { throw std::runtime_error("nor this"); }).join(); }},
    {"segv", [] { ::raise(SIGSEGV); }},
    {"overflow", [] { Overflow(nullptr); }},
    {"exec",
     [] {
       ::alarm(100);
       char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("100"), nullptr};
       ::execvp("sleep", argv);
     }},
    {"fork_and_hang", [] { ForkSleeper(), HangForEver(); }},
    {"stray_and_hang", [] { StrayDaemon(), HangForEver(); }},
    {"stray_and_exit", [] { StrayDaemon(), ::_exit(0); }},
    {"stray_and_return", [] { StrayDaemon(); }},
    {"stopped_stray_exit", [] { server.reset(), StrayDaemon(), ::_exit(0); }},
    {"stop_keeper_and_return", [] { StopKeeper(); }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !kEndings.contains(argv[1])) return 2;
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const std::string sample = argv[2];
  if (sample != "none") {
    curfew::ServerSpec spec{.command = {CURFEW_SAMPLE_DIR "/" + sample, "--port", "{port}"}};
    // Two servers, where a graceful stop takes its time: the warden's grace must not be cut by anybody's death.
    if (sample == "ignores_sigterm") spec.stop = {{{SIGTERM, 300ms}}};
    server.emplace(curfew::Server::Start(std::move(spec)));
  }
  if (argc > 3) touched = argv[3];
  if (argc > 3) ::close(::open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  kEndings.at(argv[1])();
  return 0;
}
