// SPDX-License-Identifier: Apache-2.0
// reuser FILE [naive]: starts, signals, pauses, crashes, restarts and stops servers for as long as the churner beside
// it churns, and lets strays of its own be found and reaped. "naive" instead signals numbers of children it has
// collected, as careless harnesses do: the strangers have to notice.
#include <curfew/harness.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "churn.h"
#include "server/run.h"

namespace curfew::escape {
namespace {

using namespace std::chrono_literals;

void Remember(Churn& churn, pid_t pid) {
  if (pid > 0 && pid <= kPidMax) churn.was_ours[static_cast<std::size_t>(pid)] = 1;
}

void LeaveStray(Churn& churn) {
  const pid_t between = ::fork();
  if (between == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::alarm(60);
    for (;;) ::pause();
  }
  if (between < 0) return;
  ::waitpid(between, nullptr, 0);
  for (const Leak& leak : Run::Current().CheckForLeaks(Run::Scope::kTest, "the reuser")) {
    churn.leaks.fetch_add(1);
    Remember(churn, leak.process.pid);
  }
}

void Cycle(Churn& churn, int number) {
  static constexpr std::array<const char*, 4> kSamples = {"tcp_echo", "many_groups", "double_fork_daemon",
                                                          "forks_workers"};
  const std::string program =
      std::string(CURFEW_SAMPLE_DIR "/") + kSamples[static_cast<std::size_t>(number) % kSamples.size()];
  auto server = Server::Start({.command = {program, "--port", "{port}"}});
  for (const auto& process : server.tree().processes) Remember(churn, process.pid);
  server.Signal(SIGCONT);
  if (number % 3 == 0) server.Pause(), server.Resume();
  if (number % 5 == 0) {
    server.Crash();
    server.Restart();
  }
  server.Stop();
  // Now that its pid is somebody else's: this may reach nobody.
  try {
    server.Signal(SIGTERM);
  } catch (const std::runtime_error&) {
    // ESRCH, as it should be.
  }
}

void Naive(Churn& churn) {
  while (!churn.enough) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    if (child < 0) continue;
    ::waitpid(child, nullptr, 0);
    Remember(churn, child);
    const long soon = churn.forks + kPidMax;
    while (churn.forks < soon && !churn.enough) ::usleep(1000);
    ::kill(child, SIGUSR1);  // whoever that is by now; in this namespace there are only strangers and us
    churn.cycles.fetch_add(1);
  }
}

}  // namespace
}  // namespace curfew::escape

int main(int argc, char** argv) {
  using namespace curfew;
  if (argc < 2) return 2;
  auto& churn = escape::MapChurn(argv[1]);
  ::alarm(3000);
  ::signal(SIGUSR1, SIG_IGN);
  if (argc > 2) {
    escape::Naive(churn);
    return 0;
  }
  Run::Current().Begin();
  Run::Current().TakeBaseline(Run::Scope::kTest);
  for (int number = 0; !churn.enough; ++number) {
    try {
      escape::Cycle(churn, number);
      if (number % 4 == 0) escape::LeaveStray(churn);
      churn.cycles.fetch_add(1);
    } catch (const StartError&) {
      churn.failed_starts.fetch_add(1);  // EAGAIN: no number free
    }
  }
  return 0;
}
