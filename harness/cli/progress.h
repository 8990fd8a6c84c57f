// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <curfew/duration.h>

namespace curfew::cli {

// One line on the terminal that says what is waited for, once that has taken long enough for somebody to wonder. It is
// removed before anything else is printed. Writes nothing where stderr is no terminal.
class Progress {
 public:
  explicit Progress(int terminal_fd);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // From now on something is waited for.
  void WaitFor(std::string what);
  void Draw();
  void Clear();
  [[nodiscard]] bool waiting() const { return !what_.empty(); }

 private:
  int fd_;
  bool terminal_;
  bool drawn_ = false;
  std::string what_;
  Deadline since_;
};

}  // namespace curfew::cli
