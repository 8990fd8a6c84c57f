// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "process/file_descriptor.h"
#include "readiness/pattern.h"

namespace curfew::readiness {

// Looks for the first line of a growing file that matches, or the N-th, reading every byte once.
//
// Holds one line at a time, and of a line longer than 1 MiB only a window, which slides along it by less than
// its length; a match longer than the overlap of 64 KiB may be missed there. A carriage return before the
// newline is not part of the line.
class LogScanner {
 public:
  enum class State {
    kFound,
    kMore,   // the budget is used up, and there is more to read
    kAtEnd,  // nothing matched in what is written so far
  };

  LogScanner(std::filesystem::path path, std::uint64_t offset, Pattern pattern, int occurrence = 1);

  // Reads on, at most about `budget` bytes. Once found, always found. A file that is not there is an empty
  // one. One that has become shorter was emptied, as by logrotate's copytruncate, and is read from its begin: what is
  // written until then to the length it had before is missed.
  [[nodiscard]] State Scan(std::size_t budget);
  // Whether the last line, which has no newline yet, matches as it stands.
  [[nodiscard]] bool UnfinishedMatches() const;

  // The line that matched; of one too long to be held, the window.
  [[nodiscard]] const std::string& line() const { return found_line_; }
  [[nodiscard]] std::string_view unfinished() const { return buffer_; }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  // How far it has read.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  // How many lines have matched, and what the named groups of the pattern were in the last that was looked for.
  [[nodiscard]] int matches() const { return matches_; }
  [[nodiscard]] int occurrence() const { return occurrence_; }
  [[nodiscard]] const std::map<std::string, std::string>& captures() const { return captures_; }
  [[nodiscard]] const Pattern& pattern() const { return pattern_; }

 private:
  // Begins anew if the file is shorter than what was read of it.
  [[nodiscard]] bool NoticeTruncation();
  // Matches every finished line of the buffer and drops it; true when one was the one looked for.
  [[nodiscard]] bool TakeLines();
  // Matches what is there of an overlong line and keeps only its end; true when it was the one looked for.
  [[nodiscard]] bool SlideWindow();
  [[nodiscard]] bool MatchLine(std::string_view line);
  // Whether a line, or what the window holds of its end, matches.
  [[nodiscard]] bool EndMatches(std::string_view line) const;
  // text[from, to) has matched: true when it is the one looked for.
  [[nodiscard]] bool Count(std::string_view text, std::size_t from, std::size_t to);

  std::filesystem::path path_;
  std::uint64_t offset_;
  Pattern pattern_;
  process::FileDescriptor file_;
  std::string buffer_;        // the line being read, or the window of it
  std::size_t searched_ = 0;  // how much of the buffer is known to hold no newline
  bool window_slid_ = false;  // the buffer does not begin where its line does
  bool line_matched_ = false;  // a window of this line has matched: it counts once
  bool found_ = false;
  int occurrence_;
  int matches_ = 0;
  std::map<std::string, std::string> captures_;
  std::string found_line_;
  std::uint64_t lines_ = 0;
};

}  // namespace curfew::readiness
