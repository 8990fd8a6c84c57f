// SPDX-License-Identifier: Apache-2.0
#include "containment/escape.h"

namespace curfew::containment {

std::vector<std::string> DescribeEscape(const ProcessInfo& process, bool parent_gone, pid_t group, pid_t session) {
  std::vector<std::string> ways;
  if (parent_gone) ways.emplace_back("its parent is gone (daemonised or orphaned)");
  if (process.session != session) {
    ways.emplace_back("own session " + std::to_string(process.session) + " (setsid)");
  } else if (process.group != group) {
    ways.emplace_back("own process group " + std::to_string(process.group));
  }
  if (process.zombie()) ways.emplace_back("zombie: ended, and nobody collected it");
  return ways;
}

bool IsNestedKeeper(const procfs::Proc& proc, pid_t pid, std::optional<process::Tag> tag) {
  if (!tag) return false;
  const auto its = process::ReadTag(proc, pid);
  return its && its->slot() == process::Tag::kCurfew && !its->SameRun(*tag);
}

}  // namespace curfew::containment
