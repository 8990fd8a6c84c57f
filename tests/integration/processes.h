// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "process/pidfd.h"

namespace curfew::testing_support {

// What is alive, told by means that share nothing with those under test: a variable of the tests' own in the
// environment that a process was executed with.
class Truth {
 public:
  // A fresh token. Put `entry()` into the environment of what is to be found again.
  Truth();
  [[nodiscard]] const std::string& token() const { return token_; }
  static constexpr const char* kVariable = "TRUTH_TOKEN";

  // Every living process (no zombie) whose environment has the token.
  [[nodiscard]] std::vector<pid_t> Alive() const;
  // "4711 (tcp_echo)" of each, for failure messages.
  [[nodiscard]] std::string Describe() const;
  // Waits until nothing is alive; whether that came true in a generous time.
  [[nodiscard]] bool AwaitNothing(std::chrono::seconds limit = std::chrono::seconds(30)) const;
  // To each of what is alive, by identity.
  void SignalAll(int signal) const;
  // Kills what is alive, for tests that expect survivors.
  void EndAll() const;

 private:
  std::string token_;
};

// Asks again and again until it is true; whether that came true in a generous time. For conditions that no
// descriptor announces.
[[nodiscard]] bool Eventually(const std::function<bool()>& condition,
                              std::chrono::seconds limit = std::chrono::seconds(30));

// A program under test: started directly, and collected here. Killed and collected by the destructor.
class Program {
 public:
  // `environment` is added to this process's own. stdout and stderr go to the file `output` (empty: /dev/null).
  Program(std::vector<std::string> argv, std::vector<std::pair<std::string, std::string>> environment,
          const std::string& output = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // The wait status; nothing if it has not ended in time.
  [[nodiscard]] std::optional<int> Wait(std::chrono::seconds limit = std::chrono::seconds(60));

 private:
  pid_t pid_ = 0;
  process::Pidfd pidfd_;
  std::optional<int> status_;
};

[[nodiscard]] std::string ReadFile(const std::string& path);

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace curfew::testing_support
