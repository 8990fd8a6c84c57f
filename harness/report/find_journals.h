// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace curfew::report {

struct JournalFiles {
  std::vector<std::filesystem::path>
      paths;  // in the order of their names, so that a report does not depend on the file system
  std::vector<std::string> unreadable;       // directories that could not be listed to their end, with the reason
};

// Every regular file below the directory with one of these extensions (".jsonl"). Links to directories are not
// followed; a directory that may not be listed keeps nobody from the others.
[[nodiscard]] JournalFiles FindJournals(const std::filesystem::path& directory,
                                        const std::vector<std::string>& extensions);

}  // namespace curfew::report
