// SPDX-License-Identifier: Apache-2.0
#include "run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "process/pidfd.h"

namespace curfew::meta {
namespace {

namespace fs = std::filesystem;

// An empty directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "curfew-meta-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
    fs::permissions(path_, fs::perms::all);  // for programs that become somebody else
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;  // what cannot be removed is left to the system's own tidying
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// By no iterator: of a file of /proc whose process ends meanwhile it throws.
std::string ReadAll(const fs::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!text.starts_with("CURFEW_") && !text.starts_with("GTEST_")) environment.push_back(text);
  }
  for (const auto& [name, value] : variables) {
    environment.push_back(name);
    environment.back().append("=").append(value);
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t Spawn(std::vector<std::string> arguments, std::vector<std::string> environment,
            const fs::path& output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr, Pointers(arguments).data(),
                                Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), arguments[0]);
  return pid;
}

// Our own uncollected child: its number is its own until the waitpid.
void Collect(pid_t pid, Outcome& outcome) {
  auto pidfd = process::Pidfd::Open(pid);
  if (!pidfd) throw std::runtime_error(pidfd.failure().ToString());
  pollfd entry{.fd = pidfd->get(), .events = POLLIN, .revents = 0};
  constexpr int kPatience = 100'000;  // milliseconds; under the 120 s that CTest gives the driver
  if (poll(&entry, 1, kPatience) <= 0) {
    kill(pid, SIGKILL);
    outcome.end = "gave up on it; ";
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.end += "killed by signal " + std::to_string(WTERMSIG(status));
}

bool Carries(pid_t pid, const std::string& variable) {
  const std::string environment = std::string(1, '\0') + ReadAll("/proc/" + std::to_string(pid) + "/environ");
  return environment.find('\0' + variable + '\0') != std::string::npos;
}

std::vector<pid_t> ProcessesWith(const std::string& variable) {
  std::vector<pid_t> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (Carries(std::stoi(name), variable)) found.push_back(std::stoi(name));
  }
  return found;
}

// A program that exits has waited for its helpers. One that was killed could not: they get the time to
// notice.
std::vector<pid_t> Survivors(const std::string& variable, bool exited) {
  std::vector<pid_t> found = ProcessesWith(variable);
  for (int round = 0; round < 2000 && !exited && !found.empty(); ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    found = ProcessesWith(variable);
  }
  return found;
}

std::vector<pid_t> Strays(const std::string& output) {
  std::vector<pid_t> strays;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("stray ")) strays.push_back(std::stoi(line.substr(6)));
  }
  return strays;
}

}  // namespace

std::size_t Outcome::Count(const std::string& text) const {
  std::size_t count = 0;
  for (auto at = output.find(text); at != std::string::npos; at = output.find(text, at + text.size()))
    ++count;
  return count;
}

std::string Outcome::OutputOf(const std::string& test) const {
  const std::size_t begin = output.find("[ RUN      ] " + test + "\n");
  if (begin == std::string::npos) return "";
  const std::size_t last = output.find("] " + test + " (", begin);
  return output.substr(begin, last == std::string::npos ? last : output.find('\n', last) - begin);
}

std::string Outcome::XmlOf(const std::string& test) const {
  const std::size_t dot = test.find('.');
  const std::string suite = "<testsuite name=\"" + test.substr(0, dot) + "\"";
  const std::string name = "<testcase name=\"" + test.substr(dot + 1) + "\"";
  const std::size_t begin = xml.find(name, xml.find(suite));
  if (begin == std::string::npos) return "";
  return xml.substr(begin,
                    std::min(xml.find("<testcase", begin + 1), xml.find("</testsuite>", begin)) - begin);
}

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << "exit code " << outcome.exit_code << " " << outcome.end << "\n"
       << outcome.output << "\n"
       << outcome.xml;
}

void EndSurvivors(const Outcome& outcome) {
  for (const pid_t survivor : outcome.survivors) {
    auto pinned = process::Pidfd::Open(survivor);
    // Looked at again now that the number is its own.
    if (pinned.ok() && Carries(survivor, outcome.mark)) static_cast<void>(pinned->Signal(SIGKILL));
  }
}

Outcome RunProgram(const std::string& name, std::vector<std::string> arguments,
                   const std::map<std::string, std::string>& variables) {
  const TemporaryDirectory directory;
  const fs::path output = directory.path() / "output";
  const fs::path xml = directory.path() / "report.xml";
  arguments.insert(arguments.begin(), CURFEW_META_DIR "/meta_" + name + "_");
  const bool own_output =
      std::ranges::any_of(arguments, [](const auto& each) { return each.starts_with("--gtest_output="); });
  if (!own_output) arguments.push_back("--gtest_output=xml:" + xml.string());
  std::vector<std::string> environment = Environment(variables);
  const std::string own = "CURFEW_META_RUN=" + directory.path().string();
  environment.push_back(own);

  Outcome outcome;
  outcome.mark = own;
  Collect(Spawn(std::move(arguments), std::move(environment), output), outcome);
  outcome.survivors = Survivors(own, outcome.exit_code >= 0);
  outcome.output = ReadAll(output);
  outcome.xml = ReadAll(xml);
  outcome.strays = Strays(outcome.output);
  return outcome;
}

}  // namespace curfew::meta
