// SPDX-License-Identifier: Apache-2.0
#include "leaks/resources.h"

#include <sys/sem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "process/mark.h"
#include "process/tag.h"
#include "procfs/net.h"
#include "procfs/text.h"
#include "report/escape.h"

namespace curfew::leaks {
namespace {

namespace fs = std::filesystem;

using Found = std::map<std::string, Resource>;

constexpr const char* kSocketFile = "Unix socket file";
constexpr std::string_view kNamespace = "network namespace";
constexpr std::size_t kShown = 50;

// For a shell: names with blanks, quotes and what else a path may hold.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// As mountinfo escapes blanks: "\\040" (proc(5)).
std::string Unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal =
        text[i] == '\\' ? procfs::ParseNumber<unsigned char>(std::string_view(text).substr(i + 1, 3), 8) : std::nullopt;
    plain += octal ? static_cast<char>(*octal) : text[i];
    if (octal) i += 3;
  }
  return plain;
}

// As /proc/PID/stat counts start times.
std::uint64_t TicksSinceBoot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<std::uint64_t>(now.tv_sec) * ticks +
         static_cast<std::uint64_t>(now.tv_nsec) * ticks / 1'000'000'000;
}

// Whoever used one of the set last (semctl(2), GETPID). A server that lives has: it has set their values.
std::vector<pid_t> SemaphoreUsers(int id, int count) {
  std::vector<pid_t> users;
  for (int i = 0; i < count; ++i) {
    if (const int pid = ::semctl(id, i, GETPID); pid > 0) users.push_back(pid);
  }
  return users;
}

bool OfSomeRun(const procfs::Proc& proc, pid_t pid) {
  return process::ReadTag(proc, pid) || process::Mark::Read(proc, pid);
}

Found Listeners(const procfs::Proc& proc) {
  Found found;
  for (const auto& listener : procfs::ReadListeners(proc)) {
    const bool v6 = listener.address.find(':') != std::string::npos;
    const auto inode = std::to_string(listener.inode);
    found["port " + inode] = {
        .kind = "listening port",
        .name = (v6 ? '[' + listener.address + ']' : listener.address) + ':' + std::to_string(listener.port),
        .held_by = "socket:[" + inode + ']'};
  }
  return found;
}

// Those that some process is in. One that is only open somewhere is not seen.
Found Namespaces(const procfs::Proc& proc) {
  Found found;
  for (const pid_t pid : proc.Pids()) {
    const auto link = proc.ReadLink(pid, "ns/net");
    if (link) found["in " + *link] = {.kind = std::string(kNamespace), .name = *link, .held_by = *link};
  }
  return found;
}

// Who holds these, of those that began at `since` or later and are of no run. By what they hold.
std::map<std::string, std::string> Strangers(const procfs::Proc& proc, const std::set<std::string>& asked,
                                             std::uint64_t since) {
  std::map<std::string, std::string> holders;
  for (const pid_t pid : proc.Pids()) {
    const auto stat = proc.ReadStat(pid);
    if (!stat || stat->zombie() || stat->start_ticks < since || OfSomeRun(proc, pid)) continue;
    const auto holds = [&](const std::string& link) {
      if (!asked.contains(link) || holders.contains(link)) return;
      const auto info = proc.Describe(pid);
      if (info) holders[link] = "process " + std::to_string(pid) + " (" + info->CommandLine(80) + ')';
    };
    if (const auto name_space = proc.ReadLink(pid, "ns/net")) holds(*name_space);
    for (const auto& [fd, link] : proc.Descriptors(pid).value_or(std::map<int, std::string>{})) holds(link);
  }
  return holders;
}

// Files of one directory, all or sockets alone, that this user could have made.
void List(const fs::path& directory, const char* kind, bool sockets_only, Found& found) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) != 0 || (sockets_only && !S_ISSOCK(status.st_mode))) continue;
    if (::geteuid() != 0 && status.st_uid != ::geteuid()) continue;
    const std::string path = entry->path();
    // With the inode: a file of the same name that was made anew is another.
    auto& resource = found[std::string(kind) + ' ' + path + ' ' + std::to_string(status.st_ino)];
    resource = {.kind = kind, .name = path, .path = path, .removal = "rm " + Quoted(path)};
    if (kind == kNamespace) resource.removal = "ip netns delete " + Quoted(entry->path().filename());
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
      if (descriptors && std::ranges::any_of(*descriptors, [&path](const auto& fd) { return fd.second == path; }))
        used.insert(path);
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
    Resource resource{.kind = kind, .name = "id " + words[1] + ", key " + words[0]};
    const char* flag = memory ? "-m " : semaphores ? "-s " : "-q ";
    resource.removal = "ipcrm " + (flag + words[1]);
    if (memory) {
      resource.name += ", " + words[3] + " bytes, made by process " + words[4];
      resource.maker = procfs::ParseNumber<pid_t>(words[4]).value_or(0);
    } else if (semaphores) {
      resource.name += ", " + words[3] + " semaphores";
      resource.users = SemaphoreUsers(procfs::ParseNumber<int>(words[1]).value_or(-1),
                                      procfs::ParseNumber<int>(words[3]).value_or(0));
    } else {
      for (const auto& word : {words[5], words[6]})
        resource.users.push_back(procfs::ParseNumber<pid_t>(word).value_or(0));
    }
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
    auto& resource = found["mount " + std::string(words[0]) + ' ' + point];
    resource = {.kind = "mount", .name = point, .removal = "umount " + Quoted(Unescaped(point))};
    // The root of a mounted namespace reads "net:[4026531840]" (namespaces(7)).
    if (words[3].starts_with("net:[")) resource.kind = kNamespace;
    if (words[3].starts_with("net:[")) resource.name = std::string(words[3]) + " mounted at " + point;
  }
  return found;
}

Found Resources::ParseAbstract(std::string_view text) {
  // Named by the kernel itself, on request (unix(7), autobind): sockets of clients.
  const auto autobound = [](std::string_view name) {
    return name.size() == 6 && std::ranges::all_of(name.substr(1), [](char c) {
             return std::string_view("0123456789abcdef").find(c) != std::string_view::npos;
           });
  };
  Found found;
  static_cast<void>(procfs::TakeUntil(text, '\n'));  // the titles
  while (!text.empty()) {
    auto line = procfs::TakeUntil(text, '\n');
    std::array<std::string_view, 7> words;
    for (auto& word : words) word = procfs::TakeWord(line);  // address, references, protocol, flags, type, state, inode
    const bool listens = words[3] == "00010000";
    const bool datagram = words[4] == "0002" && words[5] == "01";
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with('@') || autobound(line) || (!listens && !datagram)) continue;
    const std::string inode(words[6]);
    found["abstract " + inode] = {
        .kind = "abstract Unix socket", .name = std::string(line), .held_by = "socket:[" + inode + ']'};
  }
  return found;
}

Resources::Places Resources::Places::OfThisProcess() {
  std::error_code error;
  Places places;
  for (const auto& directory : {fs::temp_directory_path(error), fs::current_path(error)}) {
    if (!directory.empty() && std::ranges::find(places.sockets, directory) == places.sockets.end())
      places.sockets.push_back(directory);
  }
  return places;
}

bool Resource::MayBeAStrangers() const { return kind == kNamespace && !holder.empty(); }

std::string Resource::ToString() const {
  std::string text = kind + ' ' + report::OneLine(name, 1000);
  if (!holder.empty()) text += ", held by " + report::OneLine(holder, 1000);
  if (!removal.empty()) text += "; remove it by: " + report::OneLine(removal, 1000);
  return text;
}

std::string ListResources(const std::vector<Resource>& resources) {
  std::string text;
  for (std::size_t i = 0; i < resources.size() && i < kShown; ++i) text += "  " + resources[i].ToString() + '\n';
  if (resources.size() > kShown) text += "  and " + std::to_string(resources.size() - kShown) + " more\n";
  return text;
}

Resources Resources::Take(const procfs::Proc& proc, const Places& places) {
  Resources resources;
  resources.taken_ticks_ = TicksSinceBoot();
  auto& all = resources.all_;
  const std::string root = proc.root();
  for (const auto& [kind, file] : {std::pair("System V shared memory", "shm"), {"System V semaphores", "sem"},
                                   {"System V message queue", "msg"}}) {
    if (const auto text = procfs::ReadWhole(root + "/sysvipc/" + file)) Merge(ParseSysV(kind, *text), all);
  }
  if (const auto text = procfs::ReadWhole(root + "/self/mountinfo")) {
    auto mounts = ParseMounts(*text);
    // Told by its name there already.
    const auto named = places.net_namespaces.string() + '/';
    std::erase_if(mounts, [&named](const auto& mount) {
      return mount.second.kind == kNamespace && mount.second.name.find(named) != std::string::npos;
    });
    Merge(std::move(mounts), all);
  }
  if (const auto text = procfs::ReadWhole(root + "/net/unix")) Merge(ParseAbstract(*text), all);
  Merge(Listeners(proc), all);
  Merge(Namespaces(proc), all);
  List(places.shared_memory, "POSIX shared memory", false, all);
  List(places.message_queues, "POSIX message queue", false, all);
  List(places.net_namespaces, kNamespace.data(), false, all);
  for (const auto& directory : places.sockets) List(directory, kSocketFile, true, all);
  return resources;
}

std::vector<Resource> Resources::LeftSince(const Resources& before, const procfs::Proc& proc) const {
  const auto lives = [&proc](pid_t pid) { return pid != 0 && proc.ReadStat(pid).has_value(); };
  std::vector<Resource> left;
  std::set<std::string> paths;
  std::set<std::string> held;
  for (const auto& [key, resource] : all_) {
    if (before.all_.contains(key)) continue;
    // Its maker lives, or who uses it, and is none of the run's: that is over.
    if (lives(resource.maker) || std::ranges::any_of(resource.users, lives)) continue;
    left.push_back(resource);
    left.back().id = key;
    if (!resource.path.empty()) paths.insert(resource.path);
    if (!resource.held_by.empty()) held.insert(resource.held_by);
  }
  // A named namespace that processes are in.
  std::erase_if(left, [this](const Resource& resource) {
    return resource.kind == kNamespace && !resource.path.empty() &&
           all_.contains("in net:[" + resource.id.substr(resource.id.rfind(' ') + 1) + ']');
  });
  if (!paths.empty()) {
    auto used = PathsInUse(proc, paths);
    if (const auto text = procfs::ReadWhole(proc.root().native() + "/net/unix")) used.merge(BoundPaths(*text));
    std::erase_if(left, [&used](const Resource& resource) { return used.contains(resource.path); });
  }
  if (held.empty()) return left;
  const auto holders = Strangers(proc, held, before.taken_ticks_);
  std::erase_if(left, [&holders](const Resource& resource) {
    return !resource.held_by.empty() && !holders.contains(resource.held_by);
  });
  for (auto& resource : left) {
    if (!resource.held_by.empty()) resource.holder = holders.at(resource.held_by);
  }
  return left;
}

}  // namespace curfew::leaks
