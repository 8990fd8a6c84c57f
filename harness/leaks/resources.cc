// SPDX-License-Identifier: Apache-2.0
#include "leaks/resources.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "procfs/text.h"

namespace curfew::leaks {
namespace {

namespace fs = std::filesystem;

using Found = std::map<std::string, Resource>;

constexpr const char* kSocketFile = "Unix socket file";

// Files of one directory, all or sockets alone, that this user could have made.
void List(const fs::path& directory, const char* kind, bool sockets_only, Found& found) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) != 0 || (sockets_only && !S_ISSOCK(status.st_mode))) continue;
    if (::geteuid() != 0 && status.st_uid != ::geteuid()) continue;
    const std::string path = entry->path();
    // With the inode: a file of the same name that was made anew is another.
    found[std::string(kind) + ' ' + path + ' ' + std::to_string(status.st_ino)] = {kind, path, path, 0};
  }
}

void Merge(Found&& more, Found& all) { all.merge(std::move(more)); }

// Text of /proc/net/unix: paths that some socket is bound to now.
std::set<std::string> BoundPaths(std::string_view text) {
  std::set<std::string> paths;
  while (!text.empty()) {
    const auto line = procfs::TakeUntil(text, '\n');
    const auto slash = line.find('/');
    if (slash != std::string_view::npos) paths.emplace(line.substr(slash));
  }
  return paths;
}

// Files of memory that a living process has mapped or open. Reads the maps of every process: only if there is a
// question.
std::set<std::string> PathsInUse(const procfs::Proc& proc, const std::set<std::string>& asked) {
  std::set<std::string> used;
  for (const pid_t pid : proc.Pids()) {
    const auto maps = procfs::ReadWhole(proc.root().native() + '/' + std::to_string(pid) + "/maps");
    const auto descriptors = proc.Descriptors(pid);
    for (const auto& path : asked) {
      if (maps && maps->find(path) != std::string::npos) used.insert(path);
      if (descriptors && std::ranges::any_of(*descriptors, [&path](const auto& fd) { return fd.second == path; })) used.insert(path);
    }
  }
  return used;
}

}  // namespace

Found Resources::ParseSysV(const std::string& kind, std::string_view text) {
  const bool memory = kind.find("memory") != std::string::npos;
  const bool semaphores = kind.find("semaphores") != std::string::npos;
  Found found;
  static_cast<void>(procfs::TakeUntil(text, '\n'));  // the titles
  while (!text.empty()) {
    auto line = procfs::TakeUntil(text, '\n');
    std::vector<std::string> words;
    for (auto word = procfs::TakeWord(line); !word.empty(); word = procfs::TakeWord(line)) words.emplace_back(word);
    // key id perms size cpid lpid nattch ... | key id perms nsems uid ... | key id perms cbytes qnum lspid lrpid ...
    if (words.size() < 8) continue;
    // Somebody alive has it attached.
    if (memory && words[6] != "0") continue;
    Resource resource{kind, "id " + words[1] + ", key " + words[0], {}, 0};
    if (memory) resource.name += ", " + words[3] + " bytes, made by process " + words[4];
    if (semaphores) resource.name += ", " + words[3] + " semaphores";
    if (memory) resource.maker = procfs::ParseNumber<pid_t>(words[4]).value_or(0);
    found[kind + ' ' + words[1] + ' ' + words[0]] = std::move(resource);
  }
  return found;
}

Found Resources::ParseMounts(std::string_view text) {
  Found found;
  while (!text.empty()) {
    auto line = procfs::TakeUntil(text, '\n');
    std::array<std::string_view, 5> words;
    for (auto& word : words) word = procfs::TakeWord(line);  // id, parent, device, root, mount point
    if (words[4].empty()) continue;
    const std::string point(words[4]);
    found["mount " + std::string(words[0]) + ' ' + point] = {"mount", point, {}, 0};
  }
  return found;
}

Resources Resources::Take(const procfs::Proc& proc, const Places& places) {
  Resources resources;
  auto& all = resources.all_;
  const std::string root = proc.root();
  for (const auto& [kind, file] : {std::pair("System V shared memory", "shm"), {"System V semaphores", "sem"},
                                   {"System V message queue", "msg"}}) {
    if (const auto text = procfs::ReadWhole(root + "/sysvipc/" + file)) Merge(ParseSysV(kind, *text), all);
  }
  if (const auto text = procfs::ReadWhole(root + "/self/mountinfo")) Merge(ParseMounts(*text), all);
  List(places.shared_memory, "POSIX shared memory", false, all);
  List(places.message_queues, "POSIX message queue", false, all);
  List(places.net_namespaces, "network namespace", false, all);
  for (const auto& directory : places.sockets) List(directory, kSocketFile, true, all);
  return resources;
}

std::vector<Resource> Resources::LeftSince(const Resources& before, const procfs::Proc& proc) const {
  std::vector<Resource> left;
  std::set<std::string> in_question;
  for (const auto& [key, resource] : all_) {
    if (before.all_.contains(key)) continue;
    // Its maker lives, and is none of the run's: that is over.
    if (resource.maker != 0 && proc.ReadStat(resource.maker)) continue;
    left.push_back(resource);
    if (!resource.path.empty()) in_question.insert(resource.path);
  }
  if (in_question.empty()) return left;
  auto used = PathsInUse(proc, in_question);
  if (const auto text = procfs::ReadWhole(proc.root().native() + "/net/unix")) used.merge(BoundPaths(*text));
  std::erase_if(left, [&used](const Resource& resource) { return used.contains(resource.path); });
  return left;
}

}  // namespace curfew::leaks
