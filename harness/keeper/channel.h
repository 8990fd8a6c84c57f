// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

#include <curfew/duration.h>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::keeper {

// Messages between the test program, its keeper and the wardens, over a stream socket: a length, then CBOR
// (which, unlike JSON text, carries any bytes: arguments need not be UTF-8). One descriptor may ride along,
// if the one before has been taken (every message that carries one is answered).
//
// Owns the socket, which is non-blocking and never raises SIGPIPE. One thread at a time.
class Channel {
 public:
  struct Message {
    nlohmann::json body;
    process::FileDescriptor descriptor;
  };

  Channel() = default;
  explicit Channel(process::FileDescriptor socket);
  // Two connected ends. Both are close-on-exec.
  [[nodiscard]] static process::Result<std::pair<Channel, Channel>> Pair();

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool open() const { return socket_.valid() && !closed_; }
  void Close();

  // EPIPE when the other end is gone, ETIMEDOUT when it does not read. Check open() after that: with half a
  // message sent the channel is of no more use, and both ends see it closed.
  process::Result<void> Send(nlohmann::json body, Deadline deadline, int descriptor = -1);
  // The same in two steps, so that a message can be made before the moment at which it has to be sent.
  [[nodiscard]] static std::string Encode(const nlohmann::json& body);
  process::Result<void> SendEncoded(const std::string& bytes, Deadline deadline, int descriptor = -1);
  // A whole message if there is one now. Check open() when there is none.
  [[nodiscard]] std::optional<Message> TryReceive();
  // EPIPE when the other end is gone, ETIMEDOUT.
  [[nodiscard]] process::Result<Message> Receive(Deadline deadline);

 private:
  // Gives the connection up: nothing that could still come on it would mean anything.
  void Break();
  void ReadWhatIsThere();
  [[nodiscard]] std::optional<Message> TakeWhole();

  process::FileDescriptor socket_;
  bool closed_ = false;
  std::string buffer_;
  process::FileDescriptor descriptor_;
};

}  // namespace curfew::keeper
