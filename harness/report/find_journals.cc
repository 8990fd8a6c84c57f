// SPDX-License-Identifier: Apache-2.0
#include "report/find_journals.h"

#include <algorithm>
#include <system_error>

#include "process/names.h"

namespace curfew::report {

namespace fs = std::filesystem;

JournalFiles FindJournals(const fs::path& directory, const std::vector<std::string>& extensions) {
  JournalFiles found;
  const auto complain = [&found](const fs::path& path, const std::error_code& error) {
    found.unreadable.push_back("failed to read " + path.string() + ": " + process::DescribeErrno(error.value()));
  };
  std::vector<fs::path> open = {directory};
  // Not recursive_directory_iterator, which ends at the first directory it may not enter, or passes it over in silence.
  while (!open.empty()) {
    const auto place = std::move(open.back());
    open.pop_back();
    std::error_code error;
    for (fs::directory_iterator entry(place, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code unseen;
      if (fs::is_directory(entry->symlink_status(unseen))) open.push_back(entry->path());
      if (unseen && unseen != std::errc::no_such_file_or_directory) complain(entry->path(), unseen);
      // A pipe of that name would be waited for.
      const bool named_so = std::ranges::find(extensions, entry->path().extension().string()) != extensions.end();
      if (named_so && entry->is_regular_file(unseen)) found.paths.push_back(entry->path());
    }
    if (error) complain(place, error);
  }
  std::ranges::sort(found.paths);
  std::ranges::sort(found.unreadable);
  return found;
}

}  // namespace curfew::report
