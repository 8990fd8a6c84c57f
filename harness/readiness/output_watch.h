// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "process/file_descriptor.h"

namespace curfew::readiness {

// A descriptor that becomes readable when somebody writes to a file (inotify(7)).
//
// The inotify instance is borrowed and given back, never closed: closing one that has had a watch waits for a
// grace period of the kernel, 6-18 ms measured, which would be most of the time a server takes to start.
// Threads: different watches may be used by different threads.
class OutputWatch {
 public:
  struct Instance {
    process::FileDescriptor inotify;
    int watch = -1;
  };

  // A file that cannot be watched (not there, no more instances) gives fd() -1: then nothing is ever told.
  explicit OutputWatch(const std::filesystem::path& file);
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;
  ~OutputWatch();

  [[nodiscard]] int fd() const { return instance_.watch < 0 ? -1 : instance_.inotify.get(); }
  // Takes in what has been told, so that fd() is no longer readable. Never blocks.
  void Drain() const;

 private:
  Instance instance_;
  pid_t owner_;
};

}  // namespace curfew::readiness
