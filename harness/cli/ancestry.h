// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curfew/leak.h>

#include "process/file_descriptor.h"
#include "procfs/proc.h"

namespace curfew::cli {

// Who began whom below a command, also when the parents are gone: told by the kernel's process events (connector,
// NETLINK_CONNECTOR; unprivileged since Linux 6.6). For blame alone: events may be lost under load, and there are none
// outside of the first pid namespace. What is then not known is left out.
class Ancestry {
 public:
  // Nothing where the kernel does not tell.
  [[nodiscard]] static std::optional<Ancestry> Open(const procfs::Proc& proc);

  // Whose children the tree begins with: to be told before the first of them is begun.
  void Begin(pid_t root);
  // Readable when there are events.
  [[nodiscard]] int fd() const { return socket_.get(); }
  // Takes the events that are there. Never blocks.
  void Read();
  // Commands from the first child's down to the process's parent, each once, at most some.
  [[nodiscard]] std::vector<std::string> Of(pid_t pid) const;

  // The events one by one, as they are read; also what tests feed.
  void OnFork(pid_t parent, pid_t child);
  void OnExec(pid_t pid, std::string command);
  void OnExit(pid_t pid) { living_.erase(pid); }

  explicit Ancestry(const procfs::Proc& proc) : proc_(&proc) {}

 private:
  // A process between two of its execs. Whoever is begun by it holds it, so it stays as long as it is needed.
  struct Stage {
    std::shared_ptr<const Stage> before;
    std::string command;  // empty: only forked
  };

  void Handle(const char* message, std::size_t size);

  const procfs::Proc* proc_;
  process::FileDescriptor socket_;
  std::map<pid_t, std::shared_ptr<const Stage>> living_;
};

// The test of a leak that nothing names, where a command tells: --gtest_filter with one name.
void BlameByCommand(Leak& leak);

}  // namespace curfew::cli
