// SPDX-License-Identifier: Apache-2.0
#include "keeper/stack_tracer.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string_view>
#include <utility>

#include "process/clock.h"

namespace curfew::keeper {
namespace {

using namespace std::chrono_literals;

// Reading the symbols of a large program takes seconds.
Duration Patience() {
  return process::Scaled(15s);
}
constexpr std::size_t kMostBytes = 24'000;

std::string FindDebugger() {
  const char* chosen = std::getenv("CURFEW_GDB");
  const std::string_view name = chosen == nullptr || *chosen == '\0' ? "gdb" : chosen;
  if (name == "off") return "";
  if (name.find('/') != std::string_view::npos) return std::string(name);
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    auto candidate = directory + "/" + std::string(name);
    if (!directory.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

// Without what makes gdb ask a server on the network for symbols, or a terminal for its size.
std::vector<std::string> Environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("DEBUGINFOD_URLS=") && !text.starts_with("TERM=")) entries.emplace_back(text);
  }
  entries.emplace_back("TERM=dumb");
  return entries;
}

std::string ReadAll(int fd) {
  std::string text;
  char piece[4096];
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, piece, sizeof piece, at);
    if (got <= 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    at += got;
  }
}

}  // namespace

bool StackTracer::Start(pid_t pid, Done done) {
  Cancel();
  const std::string program = FindDebugger();
  if (program.empty()) return false;
  output_.Reset(::memfd_create("stacks", MFD_CLOEXEC));
  if (!output_.valid()) return false;
  process::LaunchRequest request;
  request.executable = program;
  request.argv = {program,
                  "-nx",
                  "-batch",
                  "-iex",
                  "set auto-load no",
                  "-ex",
                  "set print frame-arguments scalars",
                  "-ex",
                  "thread apply all backtrace 40",
                  "-p",
                  std::to_string(pid)};
  request.environment = Environment();
  request.working_dir = "/";
  request.stdout_fd = output_.get();
  request.stderr_fd = output_.get();
  request.new_session = true;
  request.parent_death_signal = SIGKILL;  // a debugger without its keeper would hold the program for ever
  auto launched = launcher_.Launch(request);
  if (!launched.ok()) return false;
  debugger_ = std::move(*launched);
  done_ = std::move(done);
  watch_.emplace(io_, debugger_.get(), [this] { Finish(true); });
  timer_.expires_after(Patience());
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Finish(false);
  });
  return true;
}

void StackTracer::Cancel() {
  if (!done_) return;
  done_ = nullptr;
  timer_.cancel();
  watch_.reset();
  static_cast<void>(debugger_.Signal(SIGKILL));
}

void StackTracer::Finish(bool in_time) {
  // A timer that was due already when it was cancelled.
  if (!done_) return;
  const auto done = std::move(done_);
  done_ = nullptr;
  timer_.cancel();
  watch_.reset();
  if (!in_time) static_cast<void>(debugger_.Signal(SIGKILL));
  auto stacks = TidyStacks(ReadAll(output_.get()));
  if (!in_time) stacks += "    (gdb had not finished after " + process::Describe(Patience()) + ")\n";
  done(stacks);
}

std::string TidyStacks(const std::string& output) {
  std::istringstream lines(output);
  std::string text;
  bool begun = false;
  for (std::string line; std::getline(lines, line);) {
    begun = begun || line.starts_with("Thread ");
    if (!begun || line.empty() || line.starts_with("[Inferior ")) continue;
    if (text.size() + line.size() > kMostBytes) return text + "    (cut here)\n";
    text += "    " + line + "\n";
  }
  if (!text.empty() || output.empty()) return text;
  // No stack at all: then why. Ptrace may be refused, for instance.
  return "    no stacks: " + output.substr(0, output.find('\n')) + "\n";
}

}  // namespace curfew::keeper
