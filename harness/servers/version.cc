// SPDX-License-Identifier: Apache-2.0
#include "servers/version.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cctype>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "process/clock.h"
#include "process/file_descriptor.h"
#include "process/launch.h"
#include "process/names.h"

namespace curfew::servers {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Ended and collected within the time, or killed and collected.
bool Collect(const process::Pidfd& program, Clock::time_point deadline) {
  pollfd ended{program.get(), POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&ended, 1, process::PollTimeout(Clock::now(), deadline))) < 0 && errno == EINTR) {
  }
  if (ready == 0) static_cast<void>(program.Signal(SIGKILL));
  int status = 0;
  while (::waitpid(program.pid(), &status, 0) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

// The beginning of what it prints. It is our child for these milliseconds: there is no keeper yet to ask.
Version Ask(const std::string& path, const std::string& flag) {
  const process::FileDescriptor output(::memfd_create("version", MFD_CLOEXEC));
  if (!output.valid()) return {"", "memfd_create: " + process::DescribeErrno(errno)};
  process::LaunchRequest request;
  request.executable = path;
  request.argv = {path, flag};
  for (char** entry = environ; *entry != nullptr; ++entry) request.environment.emplace_back(*entry);
  request.stdout_fd = output.get();
  request.stderr_fd = output.get();
  const auto launched = process::Launcher::Real().Launch(request);
  if (!launched.ok()) return {"", launched.failure().ToString()};
  if (!Collect(*launched, Clock::now() + process::Scaled(30s))) return {"", flag + " did not end in 30 s"};
  std::array<char, 4096> buffer{};
  const auto size = ::pread(output.get(), buffer.data(), buffer.size(), 0);
  const std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  auto found = FirstVersionIn(text);
  if (found.empty()) return {"", flag + " says \"" + text.substr(0, 80) + "\""};
  return {std::move(found), ""};
}

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

unsigned long TakeNumber(std::string_view& text) {
  unsigned long number = 0;
  while (!text.empty() && IsDigit(text.front())) {
    number = number * 10 + static_cast<unsigned long>(text.front() - '0');
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);  // the dot
  return number;
}

}  // namespace

Version VersionOf(const std::string& path, const std::string& flag) {
  static std::mutex mutex;
  static auto& known = *new std::map<std::string, Version>;
  const std::lock_guard lock(mutex);
  const auto entry = known.find(path);
  return entry != known.end() ? entry->second : known.emplace(path, Ask(path, flag)).first->second;
}

std::string FirstVersionIn(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    if (!IsDigit(text[begin])) continue;
    std::size_t end = begin;
    bool dot = false;
    while (end < text.size() &&
           (IsDigit(text[end]) || (text[end] == '.' && end + 1 < text.size() && IsDigit(text[end + 1])))) {
      dot |= text[end++] == '.';
    }
    if (dot) return text.substr(begin, end - begin);
    begin = end;
  }
  return "";
}

bool IsOlder(const std::string& left, const std::string& right) {
  std::string_view a = left;
  std::string_view b = right;
  while (!a.empty() || !b.empty()) {
    const auto ours = TakeNumber(a);
    const auto theirs = TakeNumber(b);
    if (ours != theirs) return ours < theirs;
  }
  return false;
}

}  // namespace curfew::servers
