// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "process/pidfd.h"
#include "processes.h"

namespace curfew::escape {
namespace {

namespace fs = std::filesystem;
using testing_support::ReadFile;

std::optional<Process> Read(pid_t pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const auto name = stat.find('(');
  const auto name_end = stat.rfind(')');
  if (name == std::string::npos || name_end == std::string::npos) return std::nullopt;
  Process process{.pid = pid, .name = stat.substr(name + 1, name_end - name - 1)};
  std::istringstream fields(stat.substr(name_end + 1));
  fields >> process.state >> process.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;  // starttime is the 22nd (proc(5))
  fields >> process.start_ticks;
  return process;
}

std::vector<pid_t> Pids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

std::string OwnCgroup() {
  std::ifstream mounts("/proc/mounts");
  std::string mount;
  for (std::string device, place, type, rest; mounts >> device >> place >> type && std::getline(mounts, rest);) {
    if (type == "cgroup2") mount = place;
  }
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; !mount.empty() && std::getline(cgroups, line);) {
    if (line.starts_with("0::")) return mount + line.substr(3);
  }
  return "";
}

}  // namespace

World::World(const std::vector<std::string>& markers, std::string cgroup) : cgroup_(std::move(cgroup)) {
  for (const auto& marker : markers) {
    struct stat file {};
    if (::stat(marker.c_str(), &file) == 0) markers_.emplace(file.st_dev, file.st_ino);
  }
}

void World::BecomeSubreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::string World::MakeCgroup() {
  static int number = 0;
  const std::string own = OwnCgroup();
  if (own.empty()) return "";
  const std::string path = own + "/escape-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  if (::mkdir(path.c_str(), 0755) != 0) return "";
  if (::mkdir((path + "/elsewhere").c_str(), 0755) == 0) return path;
  ::rmdir(path.c_str());
  return "";
}

std::vector<Process> World::Descendants(const std::set<pid_t>& except, const std::set<pid_t>& own) const {
  const pid_t self = ::getpid();
  std::map<pid_t, std::vector<Process>> children;
  for (const pid_t pid : Pids()) {
    if (auto process = Read(pid)) children[process->parent].push_back(std::move(*process));
  }
  std::vector<Process> found;
  std::vector<pid_t> open = {self};
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    for (auto& child : children[parent]) {
      if (except.contains(child.pid)) continue;
      open.push_back(child.pid);
      const bool nobodys = parent == self && child.zombie() && !own.contains(child.pid);
      if (int status = 0; nobodys && ::waitpid(child.pid, &status, WNOHANG | __WALL) == child.pid) {
        if (child.name == "curfew-keeper") keeper_ends_ += "keeper's wait status " + std::to_string(status) + "; ";
        continue;
      }
      found.push_back(std::move(child));
    }
  }
  return found;
}

bool World::HoldsMarker(pid_t pid) const {
  const std::string directory = "/proc/" + std::to_string(pid);
  std::error_code error;
  for (fs::directory_iterator fd(directory + "/fd", error), end; !error && fd != end; fd.increment(error)) {
    struct stat file {};
    if (::stat(fd->path().c_str(), &file) == 0 && markers_.contains({file.st_dev, file.st_ino})) return true;
  }
  const std::string maps = ReadFile(directory + "/maps");
  return std::ranges::any_of(markers_, [&maps](const auto& marker) {
    char id[64];
    std::snprintf(id, sizeof id, " %02x:%02x %lu ", major(marker.first), minor(marker.first),
                  static_cast<unsigned long>(marker.second));
    return maps.find(id) != std::string::npos;
  });
}

std::vector<Process> World::MarkerHolders() const {
  std::vector<Process> found;
  for (const pid_t pid : Pids()) {
    if (pid == ::getpid() || !HoldsMarker(pid)) continue;
    if (auto process = Read(pid)) found.push_back(std::move(*process));
  }
  return found;
}

std::vector<Process> World::InCgroup() const {
  std::vector<Process> found;
  if (cgroup_.empty()) return found;
  std::vector<std::string> directories = {cgroup_};
  std::error_code error;
  for (fs::recursive_directory_iterator entry(cgroup_, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error)) directories.push_back(entry->path());
  }
  for (const auto& directory : directories) {
    std::ifstream procs(directory + "/cgroup.procs");
    for (pid_t pid = 0; procs >> pid;) {
      if (auto process = Read(pid)) found.push_back(std::move(*process));
    }
  }
  return found;
}

std::vector<std::string> World::ForgottenCgroups() const {
  std::vector<std::string> found;
  std::error_code error;
  if (cgroup_.empty()) return found;
  for (fs::directory_iterator entry(cgroup_, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error) && entry->path().filename() != "elsewhere")
      found.push_back(entry->path().filename());
  }
  return found;
}

void World::RemoveCgroup() const {
  if (cgroup_.empty()) return;
  // What is ended may still be counted for a moment: EBUSY.
  static_cast<void>(testing_support::Eventually(
      [this] {
        std::vector<std::string> directories;
        std::error_code error;
        for (fs::recursive_directory_iterator entry(cgroup_, error), end; !error && entry != end;
             entry.increment(error)) {
          if (entry->is_directory(error)) directories.push_back(entry->path());
        }
        std::ranges::sort(directories, std::greater<>());  // the deeper ones first
        for (const auto& directory : directories) ::rmdir(directory.c_str());
        return ::rmdir(cgroup_.c_str()) == 0;
      },
      std::chrono::seconds(5)));
}

void World::EndAll(const std::set<pid_t>& except) const {
  const auto left = [this, &except] {
    std::vector<Process> all = Descendants(except);
    for (auto& holder : MarkerHolders()) {
      if (!except.contains(holder.pid)) all.push_back(std::move(holder));
    }
    std::erase_if(all, [](const Process& process) { return process.zombie(); });
    return all;
  };
  for (int round = 0; round < 200; ++round) {
    const auto living = left();
    if (living.empty()) return;
    for (const auto& process : living) {
      auto pidfd = process::Pidfd::Open(process.pid);
      const auto again = Read(process.pid);  // now that it is pinned
      if (pidfd.ok() && again && again->start_ticks == process.start_ticks) static_cast<void>(pidfd->Signal(SIGKILL));
    }
  }
}

std::string Describe(const std::vector<Process>& processes) {
  std::string text;
  for (const auto& process : processes) {
    text += std::to_string(process.pid) + " (" + process.name + ") " + process.state + " child of " +
            std::to_string(process.parent) + "; ";
  }
  return text;
}

std::string Examine(const std::vector<Process>& processes) {
  std::string text;
  for (const auto& process : processes) {
    const std::string directory = "/proc/" + std::to_string(process.pid);
    text += "\n    " + std::to_string(process.pid) + ": in " + ReadFile(directory + "/wchan");
    std::istringstream status(ReadFile(directory + "/status"));
    for (std::string line; std::getline(status, line);) {
      static const std::set<std::string> kTelling = {"State",  "VmRSS",  "Threads", "SigPnd",
                                                     "ShdPnd", "SigBlk", "Uid",     "TracerPid"};
      if (!kTelling.contains(line.substr(0, line.find(':')))) continue;
      std::ranges::replace(line, '\t', ' ');
      text += "; " + line;
    }
    std::error_code error;
    text += "; descriptors";
    for (fs::directory_iterator fd(directory + "/fd", error), end; !error && fd != end; fd.increment(error)) {
      text += " " + fd->path().filename().string() + "=" + fs::read_symlink(fd->path(), error).string();
      error.clear();
    }
    if (error) text += " " + error.message();
    const std::string environment = ReadFile(directory + "/environ");
    const auto cell = environment.find("ESCAPE_DIR=");  // of this cell, or of an earlier one
    if (cell != std::string::npos) text += "; " + environment.substr(cell, environment.find('\0', cell) - cell);
  }
  return text;
}

}  // namespace curfew::escape
