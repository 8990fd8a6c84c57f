// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "containment/enclosure.h"
#include "process/file_descriptor.h"
#include "process/result.h"
#include "procfs/proc.h"

namespace curfew::containment {

// A cgroup v2 of ours that holds one tree and nothing else: no process of Curfew's lives in it.
//
// Whose it is, the kernel keeps: everybody who answers for it holds a shared lock (flock(2)) on its directory, by
// one open file that the keeper makes and its warden inherits. The lock ends with the last of them, however
// that ends, so a leaf that can be locked exclusively is a dead run's, and no live run's can ever be taken for one.
//
// Fresh for each launch: on Linux 6.18 whoever is born into a cgroup that was killed once is killed at birth.
class CgroupLeaf : public Enclosure {
 public:
  // The prefix of every leaf's name; what has another name is never touched.
  static constexpr std::string_view kPrefix = "curfew-";

  // Makes it, and locks it. EAGAIN: a sweep of stale leaves was faster; try another name.
  [[nodiscard]] static process::Result<CgroupLeaf> Make(const std::filesystem::path& parent, const std::string& name);
  // A leaf that is open already: the warden's, by the descriptor it was started with.
  [[nodiscard]] static CgroupLeaf Adopt(process::FileDescriptor directory, std::string name);
  // One that nobody answers for any more, now locked for us alone. EWOULDBLOCK: it is a live run's; EPERM: it is
  // another user's.
  [[nodiscard]] static process::Result<CgroupLeaf> TakeStale(const std::filesystem::path& directory);

  [[nodiscard]] int fd() const { return directory_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }

  // Kills what is inside, in cgroups below it too, other users' processes included (cgroup.kill, Linux 5.14).
  void Kill() const override;
  [[nodiscard]] bool Populated() const override;
  // Numbers of the living processes inside and below, as this process's namespace has them.
  [[nodiscard]] std::vector<pid_t> Members() const;
  // Whether the process is inside or below, by /proc/PID/cgroup; also told of zombies.
  [[nodiscard]] bool Has(const procfs::Proc& proc, pid_t pid) const;

  // Removes it with every cgroup the server made below it. False while something inside is alive.
  bool Remove() const;

 private:
  CgroupLeaf(process::FileDescriptor directory, std::string name);

  process::FileDescriptor directory_;
  process::FileDescriptor events_;
  std::string name_;
};

// The run's id in a leaf's name, "curfew-RUN-SLOT-SERIAL"; empty if it is no such name.
[[nodiscard]] std::string RunOfLeaf(std::string_view name);

}  // namespace curfew::containment
