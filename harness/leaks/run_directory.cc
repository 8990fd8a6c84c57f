// SPDX-License-Identifier: Apache-2.0
#include "leaks/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <string_view>

namespace curfew::leaks {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "curfew-";
constexpr std::size_t kIdSize = 12;  // of Tag::RunId, and of the random ids of runs without tags
constexpr std::time_t kYoung = 10;   // seconds

bool NamesARun(std::string_view name) {
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kIdSize &&
         name.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

process::FileDescriptor Open(const fs::path& directory) {
  return process::FileDescriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Made by a run: nothing else keeps these in a directory of that name.
bool LooksLikeOurs(const fs::path& directory) {
  std::error_code error;
  return fs::is_empty(directory, error) || fs::exists(directory / "journal.jsonl", error) ||
         fs::exists(directory / "journals", error) ||
         std::ranges::any_of(fs::directory_iterator(directory, error), [](const fs::directory_entry& entry) {
           std::error_code ignored;  // of a server: its directory, and its log beside it
           return fs::exists(entry.path() / "log", ignored) || entry.path().extension() == ".log";
         });
}

}  // namespace

process::FileDescriptor LockRunDirectory(const fs::path& directory) {
  auto fd = Open(directory);
  if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.Reset();
  return fd;
}

std::vector<StaleDirectory> FindStaleDirectories(const fs::path& parent) {
  std::vector<StaleDirectory> stale;
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    struct stat status {};
    if (!NamesARun(name) || ::lstat(entry->path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) continue;
    if (::geteuid() != 0 && status.st_uid != ::geteuid()) continue;
    if (status.st_mtime > std::time(nullptr) - kYoung) continue;
    // Let go of at once: this only looks.
    if (!LooksLikeOurs(entry->path()) || !LockRunDirectory(entry->path()).valid()) continue;
    stale.push_back({entry->path(), name.substr(kPrefix.size()), entry->path() / "journal.jsonl"});
  }
  std::ranges::sort(stale, {}, &StaleDirectory::path);
  return stale;
}

bool RemoveStaleDirectory(const StaleDirectory& directory) {
  const auto lock = LockRunDirectory(directory.path);
  if (!lock.valid()) return false;
  std::error_code error;
  fs::remove_all(directory.path, error);
  return !fs::exists(directory.path, error);
}

}  // namespace curfew::leaks
