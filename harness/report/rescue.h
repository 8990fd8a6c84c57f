// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace curfew::report {

// The results of a test program that ended before GoogleTest could write them: the XML or JSON file it was asked for is
// written from the journal instead, with the tests that ran, the one that is to blame, and those not run.
//
// A file GoogleTest has written itself is never replaced: it is recognised by having changed since the tests began.
class ResultRescue {
 public:
  // `output`: the value of --gtest_output, its path absolute. Anything but "xml:..." and "json:..." is not ours to
  // write.
  ResultRescue(const std::string& output, const std::vector<std::string>& command);

  // JSON was asked for (RenderGtestJson), not XML (RenderJunit).
  [[nodiscard]] bool json() const { return json_; }

  // GoogleTest is about to run all tests (once more): whatever is there now is old.
  void IterationBegins();
  // Writes it, unless the framework has. Returns the path, or nothing if there was nothing to do or no way to do it.
  std::optional<std::filesystem::path> Write(const std::string& results) const;

 private:
  struct Identity {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec written;
  };
  [[nodiscard]] static std::optional<Identity> Look(const std::filesystem::path& path);

  bool json_ = false;
  std::filesystem::path path_;
  std::optional<Identity> before_;
};

}  // namespace curfew::report
