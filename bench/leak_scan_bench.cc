// SPDX-License-Identifier: Apache-2.0
// leak_scan_bench [PROCESSES]: what the look for leaks costs on a machine with 10,000 processes, against the bare pass
// over /proc that it needs (the listing, and a prlimit(2) of each). Prints the ratio of the medians, and fails
// above 1.5.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "leaks/machine.h"
#include "procfs/proc.h"

namespace {

constexpr double kGoal = 1.5;
constexpr int kRounds = 15;
constexpr std::size_t kStack = 16 << 10;

// In our memory, so that ten thousand cost no more than their tasks. Ends with us, and by its own timer.
int Sleep(void* /*unused*/) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(300);
  for (;;) ::pause();
}

// Children of this process while the object lives. Uncollected, so their numbers stay their own.
class Crowd {
 public:
  explicit Crowd(std::size_t size)
      : stacks_(size * kStack),
        memory_(::mmap(nullptr, stacks_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) return;
    for (std::size_t i = 0; i < size; ++i) {
      char* const top = static_cast<char*>(memory_) + (i + 1) * kStack;
      const pid_t pid = ::clone(&Sleep, top, CLONE_VM | SIGCHLD, nullptr);
      if (pid < 0) break;
      children_.push_back(pid);
    }
  }
  ~Crowd() {
    for (const pid_t pid : children_) ::kill(pid, SIGKILL);
    for (const pid_t pid : children_) ::waitpid(pid, nullptr, 0);
    if (memory_ != MAP_FAILED) ::munmap(memory_, stacks_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  [[nodiscard]] std::size_t size() const { return children_.size(); }

 private:
  std::size_t stacks_;
  void* memory_;
  std::vector<pid_t> children_;
};

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t wanted = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
  const Crowd crowd(wanted);
  const curfew::procfs::Proc proc;
  const curfew::leaks::Machine machine(proc, curfew::leaks::Machine::Witness::kTags);
  std::vector<double> bare;
  std::vector<double> scan;
  unsigned long checksum = 0;
  // In turn, so that what else the machine does falls on both.
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(Seconds([&] {
      for (const pid_t pid : proc.Pids()) {
        rlimit limit{};
        if (::prlimit(pid, RLIMIT_LOCKS, nullptr, &limit) == 0) checksum += limit.rlim_cur & 1U;
      }
    }));
    scan.push_back(Seconds([&] { checksum += machine.Runs().size(); }));
  }
  const double ratio = Median(scan) / Median(bare);
  std::printf("%zu processes: scan for leaks %.2f x the bare pass (goal %.1f) [%lu]\n", crowd.size(), ratio, kGoal,
              checksum);
  return ratio <= kGoal ? 0 : 1;
}
