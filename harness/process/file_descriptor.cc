// SPDX-License-Identifier: Apache-2.0
#include "process/file_descriptor.h"

#include <unistd.h>

#include <cerrno>

namespace curfew::process {

void FileDescriptor::Reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0 || old == fd) return;
  const int saved = errno;  // a clean-up on the way out must not change the error that is being reported
  ::close(old);
  errno = saved;
}

}  // namespace curfew::process
