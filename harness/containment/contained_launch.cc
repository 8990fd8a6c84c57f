// SPDX-License-Identifier: Apache-2.0
#include "containment/contained_launch.h"

namespace curfew::containment {

using process::LaunchRequest;

process::Result<ContainedLaunch> LaunchInto(const CgroupLeaf* leaf, bool required, LaunchRequest request,
                                            process::Launcher& launcher) {
  std::string why_not;
  if (leaf != nullptr) {
    request.cgroup_fd = leaf->fd();
    // The second way waits for the kernel's RCU, some 10 ms. It is for kernels and containers without clone3, and
    // for callers in a cgroup that was killed once: what they have born into another is killed at birth.
    for (const auto entry : {LaunchRequest::Entry::kAtBirth, LaunchRequest::Entry::kBeforeExec}) {
      request.cgroup_entry = entry;
      auto launched = launcher.Launch(request);
      if (launched.ok()) return ContainedLaunch{std::move(*launched), true, ""};
      const auto& failure = launched.failure();
      if (failure.operation != process::kEnterCgroup) return failure;
      why_not = failure.ToString();
      if (required && entry == LaunchRequest::Entry::kBeforeExec) return failure;
    }
    request.cgroup_fd = -1;
  }
  auto launched = launcher.Launch(request);
  if (!launched.ok()) return launched.failure();
  return ContainedLaunch{std::move(*launched), false, why_not};
}

}  // namespace curfew::containment
