// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::readiness {

// The pipe of a server that says it is ready by a newline (s6's notification-fd). Never blocks the reader; and the
// writer only if it writes on and on, which is read and dropped while the start is waited for.
class NotifyPipe {
 public:
  [[nodiscard]] static process::Result<std::unique_ptr<NotifyPipe>> Make();

  // The server's end, to be closed here once the server has it.
  [[nodiscard]] int server_end() const { return server_end_.get(); }
  void CloseServerEnd() { server_end_.Reset(); }

  // Reads what is there.
  void Drain();
  // Nothing more is read; what the server writes after that is an EPIPE to it.
  void Close() { read_end_.Reset(); }
  // -1 when nothing more can come.
  [[nodiscard]] int fd() const { return ended_ ? -1 : read_end_.get(); }
  [[nodiscard]] bool notified() const { return notified_; }
  // Every holder has closed it.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  process::FileDescriptor read_end_;
  process::FileDescriptor server_end_;
  bool notified_ = false;
  bool ended_ = false;
};

}  // namespace curfew::readiness
