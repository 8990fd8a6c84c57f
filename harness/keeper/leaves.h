// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "containment/cgroup_leaf.h"
#include "containment/level.h"
#include "process/result.h"
#include "report/journal.h"

namespace curfew::keeper {

// The cgroup leaves of one run, below the cgroup its keeper is in. That is looked for with the first server, and what
// dead runs have left in it is reaped before anything is added.
class Leaves {
 public:
  // The journal is told of what dead runs had left; it has to outlive this.
  Leaves(std::string run, report::Journal& journal) : run_(std::move(run)), journal_(journal) {}

  // A fresh leaf for the warden of this slot; the Failure says why there is none. Blocks for two seconds at most, once.
  [[nodiscard]] process::Result<containment::CgroupLeaf> Make(std::uint32_t slot, containment::Level level);

 private:
  void SweepStale();

  std::string run_;
  report::Journal& journal_;
  std::optional<process::Result<std::filesystem::path>> cgroup_;  // our own, once looked for
  unsigned made_ = 0;
};

}  // namespace curfew::keeper
