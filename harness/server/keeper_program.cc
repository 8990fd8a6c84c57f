// SPDX-License-Identifier: Apache-2.0
#include "server/keeper_program.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

// Of cmake/keeper_program.cc.in. Weak: a program that was built by other means than CMake has none.
extern "C" [[gnu::weak]] const char curfew_keeper_program[];

namespace curfew::server {
namespace {

using Place = std::pair<std::string, std::string>;

const char anchor = 0;

// The file this code was loaded from: the shared library, else the program. Empty if nobody knows.
std::filesystem::path OwnFile() {
  Dl_info info{};
  // dladdr(3): an address of ours, so that it is our object.
  if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const auto file = std::filesystem::canonical(info.dli_fname, error);
  return error ? std::filesystem::path() : file;
}

// A relative name is Bazel's, below the runfiles of a program: where `bazel test` says, or beside the program.
void AddPlacesOfBuild(const std::string& name, std::vector<Place>& places) {
  if (name.starts_with('/')) {
    places.emplace_back(name, "the build of this program");
    return;
  }
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"}) {
    if (const char* runfiles = std::getenv(variable))
      places.emplace_back(std::string(runfiles) + '/' + name, "its runfiles");
  }
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (!error) places.emplace_back(program + ".runfiles/" + name, "its runfiles");
}

std::vector<Place> Places() {
  if (const char* chosen = std::getenv("CURFEW_KEEPER_PROGRAM")) {
    // The keeper runs elsewhere, and looks for the warden beside its own file.
    std::error_code error;
    const auto absolute = std::filesystem::absolute(chosen, error);
    return {{error || *chosen == '\0' ? std::string(chosen) : absolute.string(), "the variable CURFEW_KEEPER_PROGRAM"}};
  }
  std::vector<Place> places;
  if (curfew_keeper_program != nullptr) AddPlacesOfBuild(curfew_keeper_program, places);
  std::error_code error;
  const auto directory = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (!error) {
    places.emplace_back((directory / "curfew-keeper").string(), "beside this program");
    places.emplace_back((directory.parent_path() / "libexec/curfew/curfew-keeper").string(), "beside this program");
  }
  // PREFIX/lib/libcurfew_harness.so, or Debian's PREFIX/lib/x86_64-linux-gnu: a prefix may be moved after a program was
  // built.
  auto above = OwnFile().parent_path();
  for (int levels = 0; levels < 2 && above.has_relative_path(); ++levels) {
    above = above.parent_path();
    places.emplace_back((above / "libexec/curfew/curfew-keeper").string(), "beside the library");
  }
  places.emplace_back(CURFEW_INSTALLED_KEEPER, "the prefix Curfew was configured for");
  return places;
}

}  // namespace

std::string KeeperProgram::WhyNone() const {
  std::string text = "its program curfew-keeper is in none of these places:";
  for (const auto& place : looked) text += "\n    " + place;
  return text + "\n  install Curfew, or let CURFEW_KEEPER_PROGRAM name the file; curfew-warden has to stand beside it";
}

KeeperProgram FindKeeperProgram() {
  KeeperProgram found;
  for (const auto& [path, named_by] : Places()) {
    if (::access(path.c_str(), X_OK) == 0) {
      found.path = path;
      return found;
    }
    found.looked.push_back(path + " (" + named_by + ")");
  }
  return found;
}

}  // namespace curfew::server
