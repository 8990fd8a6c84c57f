// SPDX-License-Identifier: Apache-2.0
#include "readiness/log_scanner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace curfew::readiness {
namespace {

constexpr std::size_t kWindow = std::size_t{1} << 20;
constexpr std::size_t kOverlap = std::size_t{1} << 16;
constexpr std::size_t kChunk = std::size_t{1} << 16;

// How much of a line may match: a carriage return at its end is the terminal's business.
std::size_t WithoutReturn(std::string_view line) {
  return line.ends_with('\r') ? line.size() - 1 : line.size();
}

}  // namespace

LogScanner::LogScanner(std::filesystem::path path, std::uint64_t offset, Pattern pattern, int occurrence)
    : path_(std::move(path)), offset_(offset), pattern_(std::move(pattern)), occurrence_(occurrence) {}

LogScanner::State LogScanner::Scan(std::size_t budget) {
  if (found_) return State::kFound;
  if (!file_.valid()) file_.Reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_.valid()) return State::kAtEnd;
  std::array<char, kChunk> chunk;
  for (std::size_t used = 0; used < budget;) {
    const ssize_t got = ::pread(file_.get(), chunk.data(), chunk.size(), static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      if (got == 0 && NoticeTruncation()) continue;
      return State::kAtEnd;
    }
    const auto size = static_cast<std::size_t>(got);
    used += size;
    offset_ += size;
    buffer_.append(chunk.data(), size);
    found_ = TakeLines() || (buffer_.size() >= kWindow && SlideWindow());
    if (found_) return State::kFound;
    // A short read of a file is its end: that saves the read that would say so.
    if (size < chunk.size()) return State::kAtEnd;
  }
  return State::kMore;
}

bool LogScanner::NoticeTruncation() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (static_cast<std::uint64_t>(status.st_size) >= offset_) return false;
  offset_ = 0;
  buffer_.clear();
  searched_ = 0;
  window_slid_ = false;
  line_matched_ = false;
  return true;
}

bool LogScanner::TakeLines() {
  std::size_t begin = 0;
  bool matched = false;
  while (!matched) {
    const std::size_t newline = buffer_.find('\n', std::max(begin, searched_));
    if (newline == std::string::npos) break;
    ++lines_;
    matched = MatchLine(std::string_view(buffer_).substr(begin, newline - begin));
    window_slid_ = false;
    line_matched_ = false;
    begin = newline + 1;
  }
  buffer_.erase(0, begin);
  searched_ = buffer_.size();
  return matched;
}

bool LogScanner::EndMatches(std::string_view line) const {
  // Cut before matching, so that $ holds before a carriage return.
  const std::string_view text = line.substr(0, WithoutReturn(line));
  if (!window_slid_) return pattern_.Matches(text);
  return !text.empty() && pattern_.MatchesPiece(text, 1, text.size());
}

bool LogScanner::MatchLine(std::string_view line) {
  if (line_matched_ || !EndMatches(line)) return false;
  const std::string_view text = line.substr(0, WithoutReturn(line));
  return Count(text, window_slid_ ? 1 : 0, text.size());
}

bool LogScanner::Count(std::string_view text, std::size_t from, std::size_t to) {
  line_matched_ = true;
  if (++matches_ < occurrence_) return false;
  found_line_ = text;
  captures_ = pattern_.Captures(text, from, to);
  return true;
}

bool LogScanner::SlideWindow() {
  // The last byte is kept out of the match: whether $ holds behind it is not known yet.
  const std::size_t from = window_slid_ ? 1 : 0;
  const std::size_t to = buffer_.size() - 1;
  if (!line_matched_ && pattern_.MatchesPiece(buffer_, from, to) && Count(buffer_, from, to)) return true;
  buffer_.erase(0, buffer_.size() - kOverlap);
  searched_ = buffer_.size();
  window_slid_ = true;
  return false;
}

bool LogScanner::UnfinishedMatches() const {
  return !found_ && !line_matched_ && !buffer_.empty() && EndMatches(buffer_);
}

}  // namespace curfew::readiness
