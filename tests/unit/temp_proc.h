// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace curfew::testing {

// A directory that stands for /proc and holds what a test puts there. Removed with everything in it.
class TempProc {
 public:
  TempProc();
  TempProc(const TempProc&) = delete;
  TempProc& operator=(const TempProc&) = delete;
  ~TempProc();

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  // Writes a file, "4711/stat", with the folders above it.
  void Write(const std::string& path, std::string_view text) const;
  // Makes a symbolic link, "4711/fd/3", to whatever text: as in /proc it need not lead anywhere.
  void Link(const std::string& path, const std::string& target) const;

 private:
  std::filesystem::path root_;
};

// The text of /proc/PID/stat with this name, and 5, 7, 9 and 1234 for parent, group, session and start time.
[[nodiscard]] std::string StatText(int pid, std::string_view comm, char state = 'S');

}  // namespace curfew::testing
