// SPDX-License-Identifier: Apache-2.0
#include "containment/cgroup_home.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "procfs/text.h"

namespace curfew::containment {
namespace {

namespace fs = std::filesystem;
using process::Failure;
using procfs::TakeUntil;
using procfs::TakeWord;

// Space, tab, newline and backslash stand in mountinfo as an octal escape each.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '\\' && text.size() - i > 3
                          ? procfs::ParseNumber<unsigned char>(text.substr(i + 1, 3), 8)
                          : std::nullopt;
    plain += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return plain;
}

// The path in the one line of cgroup v2, "0::/user.slice/...".
std::optional<std::string> OwnPath(std::string_view cgroup) {
  while (!cgroup.empty()) {
    const std::string_view line = TakeUntil(cgroup, '\n');
    if (line.starts_with("0::")) return std::string(line.substr(3));
  }
  return std::nullopt;
}

struct Mount {
  std::string root;   // what part of the hierarchy
  std::string point;  // is seen where
};

std::vector<Mount> CgroupMounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty()) {
    std::string_view line = TakeUntil(mountinfo, '\n');
    std::array<std::string_view, 5> fields;  // id, parent, device, root, mount point
    for (auto& field : fields) field = TakeWord(line);
    const std::size_t dash = line.find(" - ");  // ends a varying number of optional fields
    if (dash == std::string_view::npos) continue;
    line.remove_prefix(dash + 3);
    if (TakeWord(line) == "cgroup2") mounts.push_back({Unescape(fields[3]), Unescape(fields[4])});
  }
  return mounts;
}

}  // namespace

process::Result<fs::path> ParseOwnCgroup(std::string_view mountinfo, std::string_view cgroup) {
  const auto own = OwnPath(cgroup);
  if (!own) return Failure{"find a cgroup v2 of our own in /proc/self/cgroup", ENOENT};
  const auto mounts = CgroupMounts(mountinfo);
  if (mounts.empty()) return Failure{"find a mount of cgroup v2 in /proc/self/mountinfo", ENOENT};
  for (const auto& mount : mounts) {
    if (mount.root == "/") return fs::path(mount.point + *own).lexically_normal();
    if (own->starts_with(mount.root + '/')) return fs::path(mount.point + own->substr(mount.root.size()));
    if (*own == mount.root) return fs::path(mount.point);
  }
  return Failure{"find our own cgroup " + *own + " below " + mounts.front().point, ENOENT};
}

std::vector<fs::path> CgroupMountPoints() {
  std::vector<fs::path> points;
  for (const auto& mount : CgroupMounts(procfs::ReadWhole("/proc/self/mountinfo").value_or(""))) {
    if (std::ranges::find(points, fs::path(mount.point)) == points.end()) points.emplace_back(mount.point);
  }
  return points;
}

process::Result<fs::path> FindOwnCgroup() {
  const auto mountinfo = procfs::ReadWhole("/proc/self/mountinfo");
  const auto cgroup = procfs::ReadWhole("/proc/self/cgroup");
  if (!mountinfo || !cgroup) return Failure{"read /proc/self/cgroup and mountinfo", errno};
  auto home = ParseOwnCgroup(*mountinfo, *cgroup);
  if (!home.ok()) return home;
  struct statfs status {};
  if (::statfs(home->c_str(), &status) != 0) return Failure{"look at our own cgroup " + home->string(), errno};
  // Another mount may hide the one that the text told of.
  if (status.f_type != CGROUP2_SUPER_MAGIC) return Failure{"find cgroup v2 at " + home->string(), ENOTSUP};
  if (::access(home->c_str(), W_OK) != 0) return Failure{"make cgroups below " + home->string(), errno};
  // A process may be moved by who may write to this file of the nearest cgroup above both places (cgroups(7)).
  const fs::path procs = *home / "cgroup.procs";
  if (::access(procs.c_str(), W_OK) != 0) return Failure{"write to " + procs.string(), errno};
  return home;
}

}  // namespace curfew::containment
