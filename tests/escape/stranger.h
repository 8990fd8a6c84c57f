// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace curfew::escape {

// A process that nobody may touch: a child of the driver with the command line, uid and port number of the server,
// the tag and mark of another run, and every signal counted.
class Stranger {
 public:
  // `group`: the process group to live in; 0: a session of its own.
  Stranger(std::vector<std::string> argv, pid_t group);
  ~Stranger();
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // What was done to it, or nothing.
  [[nodiscard]] std::string Harm() const;

 private:
  pid_t pid_ = 0;
  volatile int* seen_ = nullptr;  // shared: [0] set up, [n] how often signal n arrived
};

}  // namespace curfew::escape
