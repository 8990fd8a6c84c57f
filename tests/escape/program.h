// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "process/file_descriptor.h"
#include "table.h"

namespace curfew::escape {

// A test program as a shell, a terminal, ctest or timeout(1) runs it, with its output in a pipe (or terminal) that
// ends only when nobody holds it any more.
class Program {
 public:
  struct Launch {
    Under under = Under::kShell;
    std::vector<std::string> argv;
    std::map<std::string, std::string> variables;  // added; the caller's CURFEW_ and GTEST_ ones are taken out
    std::string cgroup;                            // to be begun in; empty: the caller's
    std::string directory;                         // for files of its own
    bool ctest_times_out = false;                  // a second after the server is up
  };
  explicit Program(const Launch& launch);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // The process that was started: the program itself, or what runs it. Our child.
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The wait status of what a shell sees ending: the job itself in a terminal. Nothing while it runs.
  [[nodiscard]] std::optional<int> Status();
  void Signal(int signal) const;
  // Presses Ctrl-C. For Under::kTerminal.
  void PressCtrlC() const;

  // Reads what is there; must be called again and again, since a full pipe would stop the program.
  void Pump();
  [[nodiscard]] bool OutputEnded() const { return output_ended_; }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  void StartDirectly(const Launch& launch, const std::vector<std::string>& argv);
  void StartInTerminal(const Launch& launch);

  pid_t pid_ = 0;
  process::FileDescriptor reading_;  // a pipe, or the master side of the terminal
  process::FileDescriptor told_;     // by the shell of a terminal: the status of its job
  std::optional<int> status_;
  bool output_ended_ = false;
  std::string output_;
};

}  // namespace curfew::escape
