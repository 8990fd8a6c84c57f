// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <curfew/log.h>

#include "process/clock.h"
#include "process/tail.h"
#include "readiness/log_scanner.h"
#include "readiness/output_watch.h"
#include "readiness/text.h"

namespace curfew {
namespace {

using readiness::LogScanner;

LogScanner Scanner(const std::filesystem::path& path, const std::string& regex) {
  readiness::Pattern pattern(regex);
  const std::string error = pattern.error();
  if (!error.empty()) throw std::invalid_argument("regex " + readiness::Quoted(regex) + ": " + error);
  return {path, 0, std::move(pattern)};
}

// Milliseconds of work at most, even if it is nothing but ends of lines.
constexpr std::size_t kAtOnce = 1U << 16U;

// What is written now. Whoever reads until there is no more may never end: a flood can be quicker than its reader.
std::uint64_t SizeNow(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

bool ScanAll(LogScanner& scanner, std::uint64_t size) {
  LogScanner::State state = LogScanner::State::kMore;
  while (state == LogScanner::State::kMore && scanner.offset() < size) state = scanner.Scan(kAtOnce);
  return state == LogScanner::State::kFound;
}

std::optional<std::string> FoundOrUnfinished(const LogScanner& scanner, bool found) {
  if (found) return scanner.line();
  if (scanner.UnfinishedMatches()) return std::string(scanner.unfinished());
  return std::nullopt;
}

// Until there is output or the deadline, at most for so long that a log which cannot be watched, or does not
// exist yet, is read a hundred times a second.
void AwaitOutput(const readiness::OutputWatch& watch, Deadline now, Deadline deadline) {
  constexpr Duration kUnwatched = std::chrono::milliseconds(10);
  pollfd output{.fd = watch.fd(), .events = POLLIN, .revents = 0};
  const Deadline until = output.fd < 0 ? std::min(deadline, now + kUnwatched) : deadline;
  if (::poll(&output, 1, process::PollTimeout(now, until)) > 0) watch.Drain();
}

}  // namespace

std::string Log::Text() const {
  std::ifstream file(path_, std::ios::binary);
  std::string text(SizeNow(path_), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::vector<std::string> Log::Tail(std::size_t lines) const {
  return process::TailLines(path_, lines);
}

std::optional<std::string> Log::Find(const std::string& regex) const {
  LogScanner scanner = Scanner(path_, regex);
  const bool found = ScanAll(scanner, SizeNow(path_));
  return FoundOrUnfinished(scanner, found);
}

std::optional<std::string> Log::WaitFor(const std::string& regex, Duration timeout) const {
  LogScanner scanner = Scanner(path_, regex);
  const process::Clock& clock = process::Clock::Steady();
  const Deadline deadline = clock.Now() + process::Scaled(timeout);
  // Watched before it is read: what is written in between wakes the wait.
  const readiness::OutputWatch watch(path_);
  const std::uint64_t there = SizeNow(path_);
  for (;;) {
    // In parts, so that neither a long log nor a flood outlasts the deadline.
    const auto state = scanner.Scan(kAtOnce);
    if (state == LogScanner::State::kFound) return scanner.line();
    const bool all_read = state == LogScanner::State::kAtEnd;
    const Deadline now = clock.Now();
    // A line without its newline may be half of one, so it counts only when there is no more time. Without any time to
    // wait what is there is read all the same.
    if (now >= deadline && (all_read || timeout > Duration::zero() || scanner.offset() >= there))
      return FoundOrUnfinished(scanner, false);
    if (all_read) AwaitOutput(watch, now, deadline);
  }
}

}  // namespace curfew
