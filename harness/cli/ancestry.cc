// SPDX-License-Identifier: Apache-2.0
#include "cli/ancestry.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace curfew::cli {
namespace {

constexpr std::size_t kMostAncestors = 6;
// A burst of a parallel build while we are waiting for a core.
constexpr int kReceiveBuffer = 4 << 20;

// Asks for the events of all processes (connector(7) has no page; Documentation/driver-api/connector.rst).
bool Subscribe(int fd) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  const auto wish = PROC_CN_MCAST_LISTEN;
  std::array<char, NLMSG_SPACE(sizeof(cn_msg) + sizeof wish)> request{};
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof(cn_msg) + sizeof wish);
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {CN_IDX_PROC, CN_VAL_PROC};
  message.len = sizeof wish;
  std::memcpy(request.data(), &header, sizeof header);
  std::memcpy(request.data() + NLMSG_HDRLEN, &message, sizeof message);
  std::memcpy(request.data() + NLMSG_HDRLEN + sizeof message, &wish, sizeof wish);
  return ::send(fd, request.data(), header.nlmsg_len, 0) == static_cast<ssize_t>(header.nlmsg_len);
}

std::string CommandOf(const procfs::Proc& proc, pid_t pid) {
  ProcessInfo shown;
  shown.command = proc.ReadCommand(pid);
  if (shown.command.empty()) return "";  // it has ended already
  return shown.CommandLine(100);
}

}  // namespace

std::optional<Ancestry> Ancestry::Open(const procfs::Proc& proc) {
  Ancestry ancestry(proc);
  ancestry.socket_.Reset(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  if (!ancestry.socket_.valid() || !Subscribe(ancestry.fd())) return std::nullopt;
  return ancestry;
}

void Ancestry::Begin(pid_t root) { living_[root] = std::make_shared<Stage>(Stage{nullptr, ""}); }

void Ancestry::OnFork(pid_t parent, pid_t child) {
  const auto known = living_.find(parent);
  // Somebody else's; and if its number was one of ours once, that is over.
  if (known == living_.end()) {
    living_.erase(child);
    return;
  }
  living_[child] = std::make_shared<Stage>(Stage{known->second, ""});
}

void Ancestry::OnExec(pid_t pid, std::string command) {
  const auto known = living_.find(pid);
  if (known == living_.end()) return;
  // A shell that becomes the program it was asked for is one step of the way, too.
  known->second = std::make_shared<Stage>(Stage{known->second, std::move(command)});
}

std::vector<std::string> Ancestry::Of(pid_t pid) const {
  std::vector<std::string> chain;
  const auto known = living_.find(pid);
  if (known == living_.end()) return chain;
  const Stage* stage = known->second.get();
  // Not what it is itself.
  if (!stage->command.empty()) stage = stage->before.get();
  for (; stage != nullptr; stage = stage->before.get()) {
    if (!stage->command.empty() && (chain.empty() || chain.back() != stage->command)) chain.push_back(stage->command);
  }
  std::ranges::reverse(chain);
  // The oldest says what was asked for, the latest who did it.
  if (chain.size() > kMostAncestors) {
    chain.erase(chain.begin() + 1, chain.end() - static_cast<std::ptrdiff_t>(kMostAncestors - 2));
    chain.insert(chain.begin() + 1, "...");
  }
  return chain;
}

void Ancestry::Read() {
  alignas(nlmsghdr) std::array<char, 8192> buffer;  // not initialised: it is filled by the kernel
  // Bounded: a flood of forks must not keep its reader from everything else.
  constexpr int kMostAtOnce = 4096;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto got = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == ENOBUFS)) continue;  // lost events are lost
    if (got <= 0) return;
    Handle(buffer.data(), static_cast<std::size_t>(got));
  }
}

void Ancestry::Handle(const char* message, std::size_t size) {
  constexpr std::size_t kHeaders = NLMSG_HDRLEN + sizeof(cn_msg);
  if (size < kHeaders + offsetof(proc_event, event_data)) return;
  proc_event event{};
  std::memcpy(&event, message + kHeaders, std::min(size - kHeaders, sizeof event));
  const auto& data = event.event_data;
  switch (event.what) {
    case proc_event::PROC_EVENT_FORK:
      if (data.fork.child_pid == data.fork.child_tgid) OnFork(data.fork.parent_tgid, data.fork.child_tgid);
      break;
    case proc_event::PROC_EVENT_EXEC:
      if (living_.contains(data.exec.process_tgid))
        OnExec(data.exec.process_tgid, CommandOf(*proc_, data.exec.process_tgid));
      break;
    case proc_event::PROC_EVENT_EXIT:
      if (data.exit.process_pid == data.exit.process_tgid) OnExit(data.exit.process_tgid);
      break;
    default: break;  // threads, names, uids
  }
}

void BlameByCommand(Leak& leak) {
  constexpr std::string_view kFilter = "--gtest_filter=";
  for (auto command = leak.ancestors.rbegin(); command != leak.ancestors.rend() && leak.test.empty(); ++command) {
    const auto at = command->find(kFilter);
    if (at == std::string::npos) continue;
    const auto name = command->substr(at + kFilter.size(), command->find_first_of(" '\"", at) - at - kFilter.size());
    // Patterns and lists name no test.
    if (!name.empty() && name.find_first_of("*?:-") == std::string::npos) leak.test = name;
  }
}

}  // namespace curfew::cli
