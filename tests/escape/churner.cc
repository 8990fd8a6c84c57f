// SPDX-License-Identifier: Apache-2.0
// churner FILE REUSES: strangers that come and go in a PID namespace with few numbers, so that whatever Curfew lets go
// of is theirs a moment later. Each counts every signal it gets; how each ended is looked at. Without sanitizers: it is
// forked a hundred thousand times.
#include <signal.h>
#include <sys/wait.h>

#include <deque>
#include <vector>

#include "churn.h"

using curfew::escape::Churn;
using curfew::escape::kPidMax;

namespace {

// Most of the numbers, so that the rest comes round quickly; some are left for the servers.
constexpr std::size_t kLiving = 230;
constexpr std::size_t kEnding = 40;
constexpr int kExit = 42;  // so far nobody else's

Churn* churn = nullptr;

void OnSignal(int) {
  churn->signalled.fetch_add(1);
}

[[noreturn]] void BeStranger(int until_closed) {
  for (int signal = 1; signal < 65; ++signal) ::signal(signal, OnSignal);
  ::dup2(until_closed, STDIN_FILENO);
  ::close_range(3, ~0U, 0);  // the other strangers' ends, too
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) != 0) {
  }
  ::_exit(kExit);
}

struct Stranger {
  pid_t pid;
  int end;  // closing it ends the stranger
};

void Collect(const Stranger& stranger) {
  int status = 0;
  if (::waitpid(stranger.pid, &status, WUNTRACED) == stranger.pid && WIFEXITED(status) && WEXITSTATUS(status) == kExit)
    return;
  churn->killed.fetch_add(1);
  if (!WIFSTOPPED(status)) return;
  ::kill(stranger.pid, SIGKILL);
  ::waitpid(stranger.pid, nullptr, 0);
}

class Strangers {
 public:
  [[nodiscard]] std::size_t count() const { return living_.size() + ending_.size(); }
  void Add(Stranger stranger) { living_.push_back(stranger); }
  // The oldest is told to end; whoever was told some time ago has ended, and is collected. To wait for each at once
  // would be to wait for the scheduler each time.
  void EndOne(std::size_t meanwhile = kEnding) {
    if (!living_.empty()) {
      ::close(living_.front().end);
      ending_.push_back(living_.front());
      living_.pop_front();
    }
    while (ending_.size() > meanwhile) {
      Collect(ending_.front());
      ending_.pop_front();
    }
  }
  void EndAll() {
    while (!living_.empty()) EndOne();
    EndOne(0);
  }

 private:
  std::deque<Stranger> living_;
  std::deque<Stranger> ending_;
};

void Count(pid_t pid, std::vector<bool>& used) {
  churn->forks.fetch_add(1);
  const auto number = static_cast<std::size_t>(pid);
  if (used.at(number)) churn->reuses.fetch_add(1);
  used[number] = true;
  if (churn->was_ours[number].exchange(0) != 0) churn->of_ours.fetch_add(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  churn = &curfew::escape::MapChurn(argv[1]);
  const long enough = std::atol(argv[2]);
  std::vector<bool> used(kPidMax + 1);
  Strangers strangers;
  ::alarm(3000);
  while (churn->reuses < enough) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
    const pid_t pid = ::fork();
    if (pid == 0) {
      BeStranger(ends[0]);
    }
    ::close(ends[0]);
    if (pid < 0) {  // no number left just now
      ::close(ends[1]);
      strangers.EndOne(0);
      continue;
    }
    Count(pid, used);
    strangers.Add({pid, ends[1]});
    if (strangers.count() > kLiving) strangers.EndOne();
  }
  churn->enough = true;
  strangers.EndAll();
  return 0;
}
