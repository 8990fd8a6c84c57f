// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace curfew::testing_support {
namespace {

namespace fs = std::filesystem;

bool IsZombie(const fs::path& process) {
  const auto stat = ReadFile(process / "stat");
  const auto name_end = stat.rfind(')');
  return name_end == std::string::npos || stat.size() < name_end + 3 || stat[name_end + 2] == 'Z';
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Truth::Truth() {
  std::random_device random;
  token_ = std::to_string(random()) + "-" + std::to_string(random());
}

std::vector<pid_t> Truth::Alive() const {
  const std::string entry = std::string(kVariable) + '=' + token_ + '\0';
  std::vector<pid_t> alive;
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const std::string number = process.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    if (ReadFile(process.path() / "environ").find(entry) == std::string::npos || IsZombie(process.path())) continue;
    alive.push_back(static_cast<pid_t>(std::stol(number)));
  }
  return alive;
}

std::string Truth::Describe() const {
  std::string text;
  for (const pid_t pid : Alive()) {
    text += std::to_string(pid) + " (" + ReadFile("/proc/" + std::to_string(pid) + "/comm") + ") ";
  }
  return text;
}

bool Truth::AwaitNothing(std::chrono::seconds limit) const {
  return Eventually([this] { return Alive().empty(); }, limit);
}

void Truth::SignalAll(int signal) const {
  for (const pid_t pid : Alive()) {
    auto pidfd = process::Pidfd::Open(pid);
    const auto alive = Alive();  // read again now that it is pinned
    if (pidfd.ok() && std::find(alive.begin(), alive.end(), pid) != alive.end())
      static_cast<void>(pidfd->Signal(signal));
  }
}

void Truth::EndAll() const {
  for (int round = 0; round < 100 && !Alive().empty(); ++round) SignalAll(SIGKILL);
}

bool Eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

Program::Program(std::vector<std::string> argv, std::vector<std::pair<std::string, std::string>> environment,
                 const std::string& output) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  for (const auto& [name, value] : environment) {
    std::erase_if(entries, [&name = name](const std::string& entry) { return entry.starts_with(name + '='); });
    entries.push_back(name + '=' + value);
  }
  std::vector<char*> arguments;
  for (auto& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (auto& entry : entries) variables.push_back(entry.data());
  variables.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const std::string target = output.empty() ? "/dev/null" : output;
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, target.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = ::posix_spawn(&pid_, argv.front().c_str(), &files, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("posix_spawn " + argv.front() + ": errno " + std::to_string(error));
  pidfd_ = std::move(*process::Pidfd::Open(pid_));
}

Program::~Program() {
  if (status_) return;
  Signal(SIGKILL);
  static_cast<void>(Wait());
}

void Program::Signal(int signal) const { static_cast<void>(pidfd_.Signal(signal)); }

std::optional<int> Program::Wait(std::chrono::seconds limit) {
  if (status_) return status_;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(limit).count())) != 1) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) == pid_) status_ = status;
  return status_;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "curfew-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: errno " + std::to_string(errno));
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // what cannot be removed is somebody's evidence
  fs::remove_all(path_, ignored);
}

}  // namespace curfew::testing_support
