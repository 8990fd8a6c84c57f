// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "process/file_descriptor.h"

namespace curfew::leaks {

// The directory of a run, curfew-RUN below the temporary directory. Whoever made it holds a lock on it (flock(2)) to
// the end of its life: the kernel lets go of it however that comes, in whatever namespace. So who gets the lock knows
// that the owner is dead, and keeps any other from removing it at the same time.
[[nodiscard]] process::FileDescriptor LockRunDirectory(const std::filesystem::path& directory);

struct StaleDirectory {
  std::filesystem::path path;
  std::string run;
  std::filesystem::path journal;  // may not be there
};

// Directories of dead runs in `parent`, of this user (root: of all). Young ones are left out: between its making and
// its locking a directory looks stale.
[[nodiscard]] std::vector<StaleDirectory> FindStaleDirectories(const std::filesystem::path& parent);
// Whether it is gone. Locks it first, so a run that is alive loses nothing.
[[nodiscard]] bool RemoveStaleDirectory(const StaleDirectory& directory);

}  // namespace curfew::leaks
