// SPDX-License-Identifier: Apache-2.0
#include "containment/cgroup_leaf.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "procfs/text.h"

namespace curfew::containment {
namespace {

using process::Failure;
using process::FileDescriptor;
using process::Result;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

FileDescriptor OpenAt(int directory, const char* name, int flags) {
  return FileDescriptor(::openat(directory, name, flags | O_CLOEXEC));
}

std::vector<std::string> Below(int directory) {
  std::vector<std::string> names;
  procfs::ListDirectory("/proc/self/fd/" + std::to_string(directory), [&names](int fd, const char* name) {
    struct stat status {};
    const std::string_view entry(name);
    if (entry == "." || entry == ".." || ::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISDIR(status.st_mode)) names.emplace_back(entry);
  });
  return names;
}

// Walks the cgroups below `top`, each after those below itself. A server may have nested them deeper than we have
// descriptors, so one is open at a time and ".." leads back.
class Walk {
 public:
  using Visit = std::function<void(int parent, const std::string& name)>;
  Walk(Visit enter, Visit leave) : enter_(std::move(enter)), leave_(std::move(leave)) {}

  void From(int top) {
    FileDescriptor here = OpenAt(top, ".", kDirectory);
    std::vector<std::vector<std::string>> todo = {Below(here.get())};
    while (!todo.empty()) {
      if (!todo.back().empty()) {
        const std::string& name = todo.back().back();
        enter_(here.get(), name);
        FileDescriptor child = OpenAt(here.get(), name.c_str(), kDirectory);
        if (child.valid()) {
          here = std::move(child);
          todo.push_back(Below(here.get()));
        } else {
          todo.back().pop_back();  // gone, or no descriptor is left
        }
        continue;
      }
      todo.pop_back();
      if (todo.empty()) return;
      here = OpenAt(here.get(), "..", kDirectory);
      if (!here.valid()) return;
      leave_(here.get(), todo.back().back());
      todo.back().pop_back();
    }
  }

 private:
  Visit enter_;
  Visit leave_;
};

void AppendMembers(int directory, const std::string& file, std::vector<pid_t>& pids) {
  const FileDescriptor procs = OpenAt(directory, file.c_str(), O_RDONLY);
  if (!procs.valid()) return;
  std::string text;
  std::array<char, 16384> part;
  for (ssize_t got = 0; (got = ::read(procs.get(), part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  for (std::string_view rest = text; !rest.empty();) {
    // 0 stands for a process that this namespace does not see.
    const auto pid = procfs::ParseNumber<pid_t>(procfs::TakeUntil(rest, '\n'));
    if (pid && *pid > 0) pids.push_back(*pid);
  }
}

}  // namespace

CgroupLeaf::CgroupLeaf(FileDescriptor directory, std::string name)
    : directory_(std::move(directory)),
      events_(OpenAt(directory_.get(), "cgroup.events", O_RDONLY)),
      name_(std::move(name)) {}

Result<CgroupLeaf> CgroupLeaf::Make(const std::filesystem::path& parent, const std::string& name) {
  const std::string path = (parent / name).string();
  if (::mkdir(path.c_str(), 0755) != 0) return Failure{"make the cgroup " + path, errno};
  FileDescriptor directory(::open(path.c_str(), kDirectory));
  if (!directory.valid() && errno != ENOENT) {
    const int error = errno;
    ::rmdir(path.c_str());
    return Failure{"open the cgroup " + path, error};
  }
  // Between mkdir and the lock it looks like a dead run's, and may be removed as that.
  if (!directory.valid() || ::flock(directory.get(), LOCK_SH | LOCK_NB) != 0 ||
      !OpenAt(directory.get(), "cgroup.procs", O_RDONLY).valid()) {
    return Failure{"keep the cgroup " + path, EAGAIN};
  }
  if (!OpenAt(directory.get(), "cgroup.kill", O_WRONLY).valid()) {
    const int error = errno;  // ENOENT: before Linux 5.14
    ::rmdir(path.c_str());
    return Failure{"open cgroup.kill in " + path, error};
  }
  return CgroupLeaf(std::move(directory), name);
}

CgroupLeaf CgroupLeaf::Adopt(FileDescriptor directory, std::string name) {
  return {std::move(directory), std::move(name)};
}

Result<CgroupLeaf> CgroupLeaf::TakeStale(const std::filesystem::path& path) {
  const std::string operation = "take over the cgroup " + path.string();
  if (RunOfLeaf(path.filename().native()).empty()) return Failure{operation, EINVAL};
  FileDescriptor directory(::open(path.c_str(), kDirectory));
  struct stat status {};
  if (!directory.valid() || ::fstat(directory.get(), &status) != 0) return Failure{operation, errno};
  if (status.st_uid != ::geteuid()) return Failure{operation, EPERM};
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return Failure{operation, errno};
  return CgroupLeaf(std::move(directory), path.filename());
}

void CgroupLeaf::Kill() const {
  const FileDescriptor kill = OpenAt(directory_.get(), "cgroup.kill", O_WRONLY);
  if (kill.valid()) [[maybe_unused]] const auto written = ::write(kill.get(), "1", 1);
}

bool CgroupLeaf::Populated() const {
  // Read, not waited for by poll(2): the kernel gives such notices at most every 10 ms.
  std::array<char, 256> text;
  const ssize_t size = ::pread(events_.get(), text.data(), text.size(), 0);
  if (size <= 0) return false;  // removed
  return std::string_view(text.data(), static_cast<std::size_t>(size)).find("populated 1") != std::string_view::npos;
}

std::vector<pid_t> CgroupLeaf::Members() const {
  std::vector<pid_t> pids;
  AppendMembers(directory_.get(), "cgroup.procs", pids);
  Walk([&pids](int parent, const std::string& name) { AppendMembers(parent, name + "/cgroup.procs", pids); },
       [](int, const std::string&) {})
      .From(directory_.get());
  return pids;
}

bool CgroupLeaf::Has(const procfs::Proc& proc, pid_t pid) const {
  const auto text = procfs::ReadWhole(proc.root().native() + '/' + std::to_string(pid) + "/cgroup");
  if (!text) return false;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view path = procfs::TakeUntil(rest, '\n');
    if (!path.starts_with("0::/")) continue;
    path.remove_prefix(4);
    while (!path.empty()) {
      if (procfs::TakeUntil(path, '/') == name_) return true;
    }
  }
  return false;
}

bool CgroupLeaf::Remove() const {
  const auto remove = [](int parent, const std::string& name) { ::unlinkat(parent, name.c_str(), AT_REMOVEDIR); };
  const FileDescriptor parent = OpenAt(directory_.get(), "..", kDirectory);
  if (!parent.valid()) return true;  // removed already
  // What has just ended may count as inside for a moment more.
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (::unlinkat(parent.get(), name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    if (Populated()) {
      ::poll(nullptr, 0, 1);
    } else {
      Walk([](int, const std::string&) {}, remove).From(directory_.get());
    }
  }
  return false;
}

std::string RunOfLeaf(std::string_view name) {
  if (!name.starts_with(CgroupLeaf::kPrefix)) return "";
  name.remove_prefix(CgroupLeaf::kPrefix.size());
  const std::string_view run = procfs::TakeUntil(name, '-');
  const auto slot = procfs::ParseNumber<unsigned>(procfs::TakeUntil(name, '-'));
  const auto serial = procfs::ParseNumber<unsigned>(name);
  return slot && serial ? std::string(run) : "";
}

}  // namespace curfew::containment
