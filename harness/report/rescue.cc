// SPDX-License-Identifier: Apache-2.0
#include "report/rescue.h"

#include <cstdio>
#include <fstream>

#include <unistd.h>

namespace curfew::report {
namespace {

namespace fs = std::filesystem;

// As GoogleTest does for "xml:directory/" and "json:directory/": the program's name, with a number if that is taken.
fs::path UniqueIn(const fs::path& directory, const std::vector<std::string>& command, const std::string& ending) {
  const std::string stem = command.empty() ? "test" : fs::path(command.front()).filename().string();
  std::error_code error;
  auto path = directory / (stem + ending);
  for (int number = 1; fs::exists(path, error); ++number)
    path = directory / (stem + '_' + std::to_string(number) + ending);
  return path;
}

}  // namespace

ResultRescue::ResultRescue(const std::string& output, const std::vector<std::string>& command) {
  const auto colon = output.find(':');
  const auto format = output.substr(0, colon);
  if (colon == std::string::npos || (format != "xml" && format != "json")) return;
  json_ = format == "json";
  path_ = output.substr(colon + 1);
  if (!path_.is_absolute()) path_.clear();
  // A directory is asked for by its slash; which file GoogleTest would take is decided when it writes, the same as
  // here.
  if (!path_.has_filename() && !path_.empty()) path_ = UniqueIn(path_, command, '.' + format);
  IterationBegins();
}

std::optional<ResultRescue::Identity> ResultRescue::Look(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

void ResultRescue::IterationBegins() { before_ = path_.empty() ? std::nullopt : Look(path_); }

std::optional<fs::path> ResultRescue::Write(const std::string& results) const {
  if (path_.empty()) return std::nullopt;
  std::error_code error;
  if (const auto now = Look(path_)) {
    const bool same = before_ && before_->device == now->device && before_->inode == now->inode &&
                      before_->size == now->size && before_->written.tv_sec == now->written.tv_sec &&
                      before_->written.tv_nsec == now->written.tv_nsec;
    if (!same || !fs::is_regular_file(path_, error)) return std::nullopt;
  }
  fs::create_directories(path_.parent_path(), error);
  // Beside it first: whoever collects reports must not meet half of one.
  const fs::path part = path_.string() + ".curfew-" + std::to_string(::getpid());
  {
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    out << results;
    if (!out.flush()) {
      fs::remove(part, error);
      return std::nullopt;
    }
  }
  fs::rename(part, path_, error);
  if (!error) return path_;
  fs::remove(part, error);
  return std::nullopt;
}

}  // namespace curfew::report
