// SPDX-License-Identifier: Apache-2.0
// readiness_bench [STARTS [DIRECTORY]]: the time from a server's listen(2) to the return of Server::Start, for each way
// of learning of it, interleaved in one run, beside a poll that connects each 100 ms and, for scale, two wakings in a
// row; and the processor time of waiting. The server listens 5 to 50 ms after its start and tells the time of that by
// itself. Look at ratios: absolute figures travel to no other machine, and to no loaded one (the load is printed). Into
// files of DIRECTORY each single time is appended, for scripts/compare-readiness.sh.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <curfew/harness.h>

#include "server/run.h"

namespace {

using namespace std::chrono_literals;

const std::string kServer = CURFEW_SAMPLE_DIR "/stamps_listen";

std::int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// A server that has not listened in ten seconds never will.
[[noreturn]] void GiveUp() {
  std::fputs("readiness_bench: stamps_listen does not listen\n", stderr);
  std::exit(1);
}

// A page that the server writes the time of its listen into.
class Stamp {
 public:
  Stamp() {
    const int file = ::mkstemp(path_.data());
    if (file < 0 || ::ftruncate(file, 4096) != 0) std::abort();
    void* const map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) std::abort();
    stamp_ = static_cast<std::atomic<std::int64_t>*>(map);
    ::close(file);
  }
  ~Stamp() { ::unlink(path_.c_str()); }
  Stamp(const Stamp&) = delete;
  Stamp& operator=(const Stamp&) = delete;
  void Clear() { stamp_[0].store(0), stamp_[2].store(0); }
  [[nodiscard]] std::int64_t Await() const {
    for (int polls = 0; stamp_->load() == 0; ++polls) {
      if (polls == 100'000) GiveUp();
      ::usleep(100);
    }
    return stamp_->load();
  }
  // When it called listen(2), where it did.
  [[nodiscard]] std::int64_t called() const { return stamp_[2].load(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/readiness-bench-XXXXXX";
  std::atomic<std::int64_t>* stamp_ = nullptr;
};

curfew::ServerSpec Spec(const Stamp& stamp, int delay_us) {
  return {.command = {kServer, "--port", "{port}", "--stamp", stamp.path(), "--delay-us", std::to_string(delay_us)},
          .stop = {.steps = {}}};
}

struct Way {
  const char* name;
  std::function<void(curfew::ServerSpec&)> change;
  std::vector<double> microseconds = {};
  std::vector<double> calls = {};  // what listen(2) itself took
};

double ByStart(Way& way, Stamp& stamp, int delay_us) {
  auto spec = Spec(stamp, delay_us);
  way.change(spec);
  stamp.Clear();
  auto server = curfew::Server::Start(std::move(spec));
  const auto returned = Now();
  const auto listened = stamp.Await();
  if (stamp.called() != 0) way.calls.push_back(static_cast<double>(listened - stamp.called()) / 1e3);
  return static_cast<double>(returned - listened) / 1e3;
}

bool Connects(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

// What most suites do by hand.
double ByPolling(Stamp& stamp, int delay_us) {
  static std::uint16_t port = 20000;
  ++port;
  const std::string number = std::to_string(port);
  const std::string delay = std::to_string(delay_us);
  const char* argv[] = {kServer.c_str(), "--port", number.c_str(), "--stamp", stamp.path().c_str(), "--delay-us",
                        delay.c_str(), nullptr};
  stamp.Clear();
  pid_t pid = 0;
  if (::posix_spawn(&pid, kServer.c_str(), nullptr, nullptr, const_cast<char* const*>(argv), environ) != 0)
    std::abort();
  for (int polls = 0; !Connects(port); ++polls) {
    if (polls == 100) GiveUp();
    ::usleep(100'000);
  }
  const auto seen = Now();
  const auto listened = stamp.Await();
  ::kill(pid, SIGKILL);  // our own uncollected child
  ::waitpid(pid, nullptr, 0);
  return static_cast<double>(seen - listened) / 1e3;
}

// For scale: what the machine takes to wake one process after the other. The first tells the second by a pipe, which
// tells the third. By kernel event these are the server, its warden and the test program; there the clock starts when
// listen() has returned, by which time the warden is awake.
class HandOvers {
 public:
  HandOvers() {
    if (::pipe2(first_.data(), O_CLOEXEC) != 0 || ::pipe2(second_.data(), O_CLOEXEC) != 0) std::abort();
    middle_ = ::fork();
    if (middle_ == 0) {
      ::close(first_[1]);
      for (std::int64_t told = 0; ::read(first_[0], &told, sizeof told) == sizeof told;) {
        if (::write(second_[1], &told, sizeof told) != sizeof told) break;
      }
      ::_exit(0);
    }
  }
  ~HandOvers() {
    for (const int fd : {first_[0], first_[1], second_[0], second_[1]}) ::close(fd);
    ::waitpid(middle_, nullptr, 0);
  }
  HandOvers(const HandOvers&) = delete;
  HandOvers& operator=(const HandOvers&) = delete;

  // Microseconds from the word of the first to the waking of the third.
  double Time(int delay_us) {
    const pid_t teller = ::fork();
    if (teller == 0) {
      ::usleep(static_cast<useconds_t>(delay_us));
      const std::int64_t told = Now();
      ::_exit(::write(first_[1], &told, sizeof told) == sizeof told ? 0 : 1);
    }
    std::int64_t told = 0;
    if (::read(second_[0], &told, sizeof told) != sizeof told) std::abort();
    const auto heard = Now();
    ::waitpid(teller, nullptr, 0);
    return static_cast<double>(heard - told) / 1e3;
  }

 private:
  std::array<int, 2> first_{};
  std::array<int, 2> second_{};
  pid_t middle_ = 0;
};

double Percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Processor seconds of the test program for a start that is given up after so long.
double CostOfWait(Way& way, Stamp& stamp, curfew::Duration timeout) {
  auto spec = Spec(stamp, 60'000'000);
  way.change(spec);
  spec.ready_timeout = timeout;
  const double before = ProcessorSeconds();
  try {
    auto server = curfew::Server::Start(std::move(spec));
  } catch (const curfew::StartError&) {
    // It is not to come.
  }
  return ProcessorSeconds() - before;
}

// Percent of a core that the test program takes while it waits for a server that does not come: without what it takes
// to launch it, to stop it, and to tell of it, which a short wait has, too.
double CostOfWaiting(Way& way, Stamp& stamp) {
  const double short_wait = CostOfWait(way, stamp, 100ms);
  return 100 * (CostOfWait(way, stamp, 3100ms) - short_wait) / 3;
}

void PrintRow(const char* name, const std::vector<double>& values, double floor, double cost, double call = -1) {
  std::printf("%-26s %10.0f %10.0f %10.0f %9.2f", name, Percentile(values, 0.5), Percentile(values, 0.99),
              Percentile(values, 1), Percentile(values, 0.5) / floor);
  if (cost >= 0) std::printf(" %9.2f", cost);
  if (call >= 0) std::printf(" %10.0f", call);
  std::printf("\n");
}

// How long it takes to be told that somebody else has the port.
double ByRefusal(std::uint16_t port, Stamp& stamp) {
  auto spec = Spec(stamp, 0);
  spec.ports = {{"", port}};
  const auto begin = Now();
  try {
    auto server = curfew::Server::Start(std::move(spec));
  } catch (const curfew::StartError& error) {
    if (error.reason() == curfew::StartError::kPortTaken) return static_cast<double>(Now() - begin) / 1e3;
  }
  std::fputs("readiness_bench: a port that was taken was not refused\n", stderr);
  std::exit(1);
}

std::vector<double> Refusals(int starts, Stamp& stamp) {
  auto stale = curfew::Server::Start(Spec(stamp, 0));
  std::vector<double> microseconds;
  for (int i = 0; i < starts; ++i) microseconds.push_back(ByRefusal(stale.port(), stamp));
  return microseconds;
}

void AppendTo(const std::string& directory, const std::string& file, const std::vector<double>& values) {
  if (directory.empty()) return;
  std::ofstream out(directory + '/' + file, std::ios::app);
  for (const double value : values) out << value << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const int starts = argc > 1 ? std::atoi(argv[1]) : 200;
  double load = 0;
  static_cast<void>(::getloadavg(&load, 1));
  Stamp stamp;
  const auto print = [](curfew::ServerSpec& spec) { spec.command.emplace_back("--print"); };
  const auto ask = [](curfew::ServerSpec& spec) { spec.kernel_event = false; };
  std::vector<Way> ways = {{"kernel event", [](curfew::ServerSpec& spec) { spec.kernel_event = true; }},
                           {"asking, it prints", [&](curfew::ServerSpec& spec) { ask(spec), print(spec); }},
                           {"asking, it is silent", ask},
                           {"activated", [](curfew::ServerSpec& spec) {
                              spec.command.emplace_back("--activated");
                              spec.sockets = {curfew::ListenSocket::Tcp()};
                              spec.ready = curfew::Ready::Activated();
                            }}};
  std::vector<double> polled;
  std::vector<double> handed_over;
  HandOvers hand_overs;
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same delays in every run
  std::uniform_int_distribution<int> delays(5'000, 50'000);
  for (int i = 0; i < starts; ++i) {
    for (auto& way : ways) way.microseconds.push_back(ByStart(way, stamp, delays(random)));
    polled.push_back(ByPolling(stamp, delays(random)));
    handed_over.push_back(hand_overs.Time(delays(random)));
  }
  const double floor = Percentile(ways.front().microseconds, 0.5);
  std::printf(
      "%d starts each, load %.1f on %ld processors; microseconds from listen() to the return (negative: before it)\n",
      starts, load, ::sysconf(_SC_NPROCESSORS_ONLN));
  std::printf("%-26s %10s %10s %10s %9s %9s %10s\n", "", "p50", "p99", "max", "x event", "% of core", "listen()");
  for (auto& way : ways) {
    const bool waits = &way != &ways.back();
    PrintRow(way.name, way.microseconds, floor, waits ? CostOfWaiting(way, stamp) : 0,
             way.calls.empty() ? -1 : Percentile(way.calls, 0.5));
  }
  PrintRow("connecting each 100 ms", polled, floor, -1);
  PrintRow("two wakings by pipes", handed_over, floor, -1);
  const auto refused = Refusals(starts, stamp);
  std::printf("a stale server on a fixed port is named after %.1f ms (p50), %.1f ms (p99)\n",
              Percentile(refused, 0.5) / 1e3, Percentile(refused, 0.99) / 1e3);
  const std::string directory = argc > 2 ? argv[2] : "";
  char number = '1';
  for (const auto& way : ways) AppendTo(directory, std::string{number++} + "  Curfew: " + way.name, way.microseconds);
  AppendTo(directory, "5  connecting each 100 ms", polled);
  AppendTo(directory, "a  two wakings by pipes", handed_over);
  curfew::Run::Current().End();
  return 0;
}
