// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <curfew/duration.h>

namespace curfew {

// Everything a server has written to stdout and stderr, in the order it was written. It is a file: the
// server can never block on it, nothing is lost when anyone crashes, and a restart appends to it.
//
// Each call reads the file anew. Regexes are RE2 syntax and are matched anywhere in a line; one that does
// not compile is a std::invalid_argument.
// Threads: any number may read. Blocks: only WaitFor.
class Log {
 public:
  explicit Log(std::filesystem::path path) : path_(std::move(path)) {}  // of a file that may not be there yet

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }  // of the file
  // All of it. Mind the size of a server that floods its output.
  [[nodiscard]] std::string Text() const;
  // The last lines, without their newlines. Reads only the end of the file; a line longer than 4 KiB is cut.
  [[nodiscard]] std::vector<std::string> Tail(std::size_t lines = 20) const;
  // The first line that matches, or nothing.
  [[nodiscard]] std::optional<std::string> Find(const std::string& regex) const;
  // As Find, waiting for such a line to be written. Nothing when the timeout ends first.
  // The server's death does not end this wait early; its last words may still match.
  [[nodiscard]] std::optional<std::string> WaitFor(const std::string& regex, Duration timeout) const;

 private:
  std::filesystem::path path_;
};

}  // namespace curfew
