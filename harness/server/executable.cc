// SPDX-License-Identifier: Apache-2.0
#include "server/executable.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>

namespace curfew::server {
namespace {

// 0 if this file can be executed, else the errno that says why not.
int CheckExecutable(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (::access(path.c_str(), X_OK) != 0) return errno;
  return 0;
}

}  // namespace

ExecutableSearch FindExecutable(const std::string& program, const std::string& search_path) {
  ExecutableSearch search;
  if (program.find('/') != std::string::npos) {
    search.path = std::filesystem::absolute(program).string();
    search.looked.push_back(search.path);
    search.error = CheckExecutable(search.path);
    if (search.error != 0) search.path.clear();
    return search;
  }
  search.error = ENOENT;
  // The colon behind it: getline does not tell of an empty last part, which means something, too.
  std::istringstream directories(search_path + ':');
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (directory.empty()) directory = ".";  // execvp(3): an empty part is the working directory
    search.looked.push_back(directory);
    const auto candidate = std::filesystem::absolute(std::filesystem::path(directory) / program).string();
    const int error = CheckExecutable(candidate);
    if (error == 0) {
      search.path = candidate;
      search.error = 0;
      return search;
    }
    // Met one, but it would not do. What is in a directory that may not be searched was not met: of a PATH that was
    // another user's, most are so, and "permission denied" would be the answer for every name that is misspelt.
    struct stat status {};
    if (error == EISDIR || (error == EACCES && ::stat(candidate.c_str(), &status) == 0)) search.error = error;
  }
  return search;
}

}  // namespace curfew::server
