// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "containment/cgroup_home.h"
#include "containment/cgroup_leaf.h"

namespace curfew::testing {

// A cgroup of the test's own to make leaves in, where no keeper looks for stale ones. Empty path where this user cannot
// have one; `why_not` then is the reason to skip with.
class PrivateCgroup {
 public:
  PrivateCgroup() {
    static int count = 0;
    const auto home = containment::FindOwnCgroup();
    if (!home.ok()) {
      why_not_ = home.failure().ToString();
      return;
    }
    path_ = *home / ("unit-test-" + std::to_string(::getpid()) + '-' + std::to_string(++count));
    std::error_code error;
    if (!std::filesystem::create_directory(path_, error)) {
      why_not_ = error.message();
      path_.clear();
    }
  }
  ~PrivateCgroup() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  PrivateCgroup(const PrivateCgroup&) = delete;
  PrivateCgroup& operator=(const PrivateCgroup&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

 private:
  std::filesystem::path path_;
  std::string why_not_;
};

}  // namespace curfew::testing
