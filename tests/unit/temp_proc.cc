// SPDX-License-Identifier: Apache-2.0
#include "temp_proc.h"

#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace curfew::testing {

TempProc::TempProc() {
  std::string name = std::filesystem::temp_directory_path() / "curfew-proc-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
  root_ = name;
}

TempProc::~TempProc() {
  std::error_code ignored;  // the directory is for nobody else to find
  std::filesystem::remove_all(root_, ignored);
}

void TempProc::Write(const std::string& path, std::string_view text) const {
  std::filesystem::create_directories((root_ / path).parent_path());
  std::ofstream(root_ / path, std::ios::binary) << text;
}

void TempProc::Link(const std::string& path, const std::string& target) const {
  std::filesystem::create_directories((root_ / path).parent_path());
  std::filesystem::create_symlink(target, root_ / path);
}

std::string StatText(int pid, std::string_view comm, char state) {
  return std::to_string(pid) + " (" + std::string(comm) + ") " + state +
         " 5 7 9 0 -1 4194560 115 0 0 0 2 3 0 0 20 0 1 0 1234 2461696 231 18446744073709551615 1 1 0 0 0 0 0 "
         "0 0 0 0"
         " 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

}  // namespace curfew::testing
