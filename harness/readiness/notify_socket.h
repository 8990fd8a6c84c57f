// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <curfew/duration.h>

#include "process/file_descriptor.h"
#include "process/result.h"
#include "readiness/unix_table.h"

namespace curfew::readiness {

// What a server has told by sd_notify(3). Only what its own processes sent is in it.
struct NotifyNews {
  bool ready = false;
  bool stopping = false;
  std::string status;               // the latest STATUS=
  std::string main_pid;             // MAINPID=
  std::string error;                // ERRNO=
  std::string exit_status;          // EXIT_STATUS=
  std::optional<Deadline> extended;  // until when it has asked to be waited for
  int refused = 0;                  // messages of others
  std::string refused_sender;       // the latest of them
};

// The socket that NOTIFY_SOCKET names. Datagrams with the sender's credentials, which the kernel attests (unix(7)).
class NotifySocket {
 public:
  // Who sent a message: nothing if that is a process of the tree, else its description.
  using FindStranger = std::function<std::optional<std::string>(pid_t sender)>;

  // Binds to the address, where nobody may be. A path is open to every user: the sender is checked, not the way.
  [[nodiscard]] static process::Result<std::unique_ptr<NotifySocket>> Bind(UnixAddress address);
  NotifySocket(UnixAddress address, process::FileDescriptor socket);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // As NOTIFY_SOCKET has it.
  [[nodiscard]] const std::string& address() const { return address_.text; }
  [[nodiscard]] int fd() const { return socket_.get(); }
  // Takes in the messages that are there. Descriptors that came along are closed: that is what a sender of BARRIER=1
  // waits for (sd_notify_barrier(3)).
  void Drain(Deadline now, const FindStranger& find_stranger);
  // Nothing more is taken in. A server that goes on to tell its status gets ECONNREFUSED, and is never blocked by us.
  void Close();
  [[nodiscard]] const NotifyNews& news() const { return news_; }

 private:
  // False when there is none.
  [[nodiscard]] bool TakeOne(Deadline now, const FindStranger& find_stranger);
  void TakeIn(std::string_view message, Deadline now);

  UnixAddress address_;
  process::FileDescriptor socket_;
  NotifyNews news_;
};

}  // namespace curfew::readiness
