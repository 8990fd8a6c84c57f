// SPDX-License-Identifier: Apache-2.0
// soaker CYCLES SECONDS: starts and stops servers, CYCLES times or for SECONDS, whichever is over first, and counts
// what it and its keeper hold after a warm-up and in the end. One line of figures; exit 1 if something has grown.
#include <curfew/harness.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "procfs/text.h"
#include "server/run.h"

namespace curfew {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Figures {
  long descriptors = 0;
  long kilobytes = 0;
  long keeper_descriptors = 0;
  long keeper_kilobytes = 0;
  long processes = 0;  // of this run besides program and keeper, zombies included
  long entries = 0;    // in the run's directory
  long cgroups = 0;    // below this program's own
};

std::string Read(const fs::path& path) {
  return procfs::ReadWhole(path).value_or("");  // of processes that come and go
}

long Entries(const fs::path& directory) {
  std::error_code error;
  long count = 0;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) ++count;
  return count;
}

long ResidentKilobytes(const fs::path& process) {
  const auto status = Read(process / "status");
  const auto at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::atol(status.c_str() + at + 6);
}

// Leaves of this run; other runs may go on beside it.
long Cgroups() {
  const auto own = Read("/proc/self/cgroup");
  const auto at = own.find("0::");
  if (at == std::string::npos) return 0;
  const auto path = own.substr(at + 3, own.find('\n', at) - at - 3);
  long count = 0;
  for (const auto* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    std::error_code error;
    for (fs::directory_iterator entry(mount + path, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().string().find(Run::Current().id()) != std::string::npos) ++count;
    }
  }
  return count;
}

Figures Take() {
  Figures figures;
  figures.descriptors = Entries("/proc/self/fd");
  figures.kilobytes = ResidentKilobytes("/proc/self");
  figures.cgroups = Cgroups();
  const std::string mark = "CURFEW_MARK=" + Run::Current().id();
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = std::atol(entry->path().filename().c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    const auto stat = Read(entry->path() / "stat");
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    const bool child = std::atol(stat.c_str() + name_end + 4) == ::getpid();
    if (!child && Read(entry->path() / "environ").find(mark) == std::string::npos) continue;
    if (stat.find("(curfew-keeper)") == std::string::npos) {
      ++figures.processes;
      continue;
    }
    figures.keeper_descriptors = Entries(entry->path() / "fd");
    figures.keeper_kilobytes = ResidentKilobytes(entry->path());
  }
  figures.entries = Entries(fs::temp_directory_path() / ("curfew-" + Run::Current().id()));
  return figures;
}

void Cycle(long number) {
  static constexpr std::array<const char*, 4> kSamples = {"tcp_echo", "many_groups", "double_fork_daemon",
                                                          "forks_workers"};
  const auto kind = static_cast<std::size_t>(number % 8 < 5 ? 0 : number % 4);
  auto server = Server::Start({.command = {std::string(CURFEW_SAMPLE_DIR "/") + kSamples.at(kind), "--port", "{port}"},
                               .daemonizes = kind == 2});
  if (number % 50 == 7) {
    server.Crash();
    server.Restart();
  }
  server.Stop();
  static_cast<void>(Run::Current().CheckForLeaks(Run::Scope::kTest, "the soak"));
}

// Empty if nothing has.
std::string WhatHasGrown(const Figures& before, const Figures& after) {
  std::string text;
  const auto compare = [&text](const char* what, long was, long is, long slack) {
    if (is > was + slack)
      text += std::string("GROWN: ") + what + " from " + std::to_string(was) + " to " + std::to_string(is) + '\n';
  };
  // Memory: an allocator's spread, no more than a sixth over thousands of servers.
  const auto spread = [](long kilobytes) { return kilobytes / 6 + 2048; };
  compare("descriptors of the program", before.descriptors, after.descriptors, 0);
  compare("descriptors of the keeper", before.keeper_descriptors, after.keeper_descriptors, 0);
  compare("memory of the program", before.kilobytes, after.kilobytes, spread(before.kilobytes));
  compare("memory of the keeper", before.keeper_kilobytes, after.keeper_kilobytes, spread(before.keeper_kilobytes));
  compare("processes", 0, after.processes, 0);
  compare("files", before.entries, after.entries, 0);
  compare("cgroups", before.cgroups, after.cgroups, 0);
  return text;
}

int Soak(long cycles, std::chrono::seconds time) {
  Run::Current().Begin();
  Run::Current().TakeBaseline(Run::Scope::kTest);
  const long warm_up = std::clamp(cycles / 10, 20L, 200L);
  const auto until = Clock::now() + time;
  Figures before;
  long done = 0;
  const auto began = Clock::now();
  for (; done < cycles && (Clock::now() < until || done <= warm_up); ++done) {
    Cycle(done);
    if (done == warm_up) before = Take();
  }
  const auto took = std::chrono::duration<double>(Clock::now() - began).count();
  Figures after = Take();
  // The keeper may be at closing what belonged to the last server.
  for (const auto calm = Clock::now() + 5s; !WhatHasGrown(before, after).empty() && Clock::now() < calm;)
    after = Take();
  std::printf(
      "%ld cycles in %.0f s (%.1f ms each); program: descriptors %ld -> %ld, memory %ld -> %ld KiB; keeper: %ld -> "
      "%ld, %ld -> %ld KiB; other processes %ld -> %ld, files %ld -> %ld, cgroups %ld -> %ld\n",
      done, took, took * 1000 / static_cast<double>(done), before.descriptors, after.descriptors, before.kilobytes,
      after.kilobytes, before.keeper_descriptors, after.keeper_descriptors, before.keeper_kilobytes,
      after.keeper_kilobytes, before.processes, after.processes, before.entries, after.entries, before.cgroups,
      after.cgroups);
  const auto grown = WhatHasGrown(before, after);
  std::fputs(grown.c_str(), stdout);
  return grown.empty() ? 0 : 1;
}

}  // namespace
}  // namespace curfew

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int result = curfew::Soak(std::atol(argv[1]), std::chrono::seconds(std::atol(argv[2])));
  const auto directory = std::filesystem::temp_directory_path() / ("curfew-" + curfew::Run::Current().id());
  curfew::Run::Current().End();
  if (!std::filesystem::exists(directory)) return result;
  std::printf("LEFT: %s\n", directory.c_str());
  return 1;
}
