// SPDX-License-Identifier: Apache-2.0
// What a fixture costs, each beside the floor of the same run:
//   start      Server::Start against posix_spawn and a loop of connects
//   stop       Server::Stop against kill and waitpid
//   leak check Run::CheckForLeaks on a clean test against the bare listing of /proc
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include <curfew/harness.h>

#include "procfs/proc.h"
#include "server/run.h"

namespace {

const std::string kEcho = CURFEW_SAMPLE_DIR "/tcp_echo";
using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

bool Connects(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

// The floor: no containment, no proof of ownership, one core spent on connecting.
pid_t SpawnAndConnect() {
  const std::uint16_t port = FreePort();
  const std::string number = std::to_string(port);
  const char* argv[] = {kEcho.c_str(), "--port", number.c_str(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  ::posix_spawn(&pid, kEcho.c_str(), &quiet, nullptr, const_cast<char* const*>(argv), environ);
  posix_spawn_file_actions_destroy(&quiet);
  while (!Connects(port)) {
  }
  return pid;
}

void End(pid_t pid) {
  ::kill(pid, SIGTERM);  // our own uncollected child: the number is pinned
  ::waitpid(pid, nullptr, 0);
}

curfew::Server StartEcho() { return curfew::Server::Start({.command = {kEcho, "--port", "{port}"}}); }

void BareStart(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto began = Clock::now();
    const pid_t pid = SpawnAndConnect();
    state.SetIterationTime(Seconds(Clock::now() - began));
    End(pid);
  }
}

void CurfewStart(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const auto began = Clock::now();
    auto server = StartEcho();
    state.SetIterationTime(Seconds(Clock::now() - began));
  }
}

void BareStop(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    const pid_t pid = SpawnAndConnect();
    const auto began = Clock::now();
    End(pid);
    state.SetIterationTime(Seconds(Clock::now() - began));
  }
}

void CurfewStop(benchmark::State& state) {
  for ([[maybe_unused]] auto step : state) {
    auto server = StartEcho();
    const auto began = Clock::now();
    benchmark::DoNotOptimize(server.Stop());
    state.SetIterationTime(Seconds(Clock::now() - began));
  }
}

void BareListing(benchmark::State& state) {
  const curfew::procfs::Proc proc;
  for ([[maybe_unused]] auto step : state) benchmark::DoNotOptimize(proc.Pids());
}

void LeakCheck(benchmark::State& state) {
  auto& run = curfew::Run::Current();
  run.Begin();
  run.TakeBaseline(curfew::Run::Scope::kTest);
  for ([[maybe_unused]] auto step : state) {
    benchmark::DoNotOptimize(run.CheckForLeaks(curfew::Run::Scope::kTest, "bench"));
  }
}

BENCHMARK(BareStart)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(100)->Repetitions(5);
BENCHMARK(CurfewStart)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(100)->Repetitions(5);
BENCHMARK(BareStop)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(100)->Repetitions(5);
BENCHMARK(CurfewStop)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(100)->Repetitions(5);
BENCHMARK(BareListing)->Unit(benchmark::kMicrosecond)->Iterations(1000)->Repetitions(5);
BENCHMARK(LeakCheck)->Unit(benchmark::kMicrosecond)->Iterations(1000)->Repetitions(5);

// Keeps the medians, to give the ratios.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const auto& run : runs) {
      if (run.aggregate_name == "median") medians_[run.run_name.function_name] = run.GetAdjustedRealTime();
    }
  }
  void Ratio(const char* what, const char* ours, const char* floor) const {
    if (!medians_.contains(ours) || !medians_.contains(floor)) return;
    std::printf("%-12s %8.1f us against a floor of %8.1f us: ratio %.2f\n", what, medians_.at(ours), medians_.at(floor),
                medians_.at(ours) / medians_.at(floor));
  }

 private:
  std::map<std::string, double> medians_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.Ratio("start", "CurfewStart", "BareStart");
  reporter.Ratio("stop", "CurfewStop", "BareStop");
  reporter.Ratio("leak check", "LeakCheck", "BareListing");
  curfew::Run::Current().End();
  return 0;
}
