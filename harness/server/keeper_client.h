// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "keeper/channel.h"
#include "process/pidfd.h"
#include "process/tag.h"

namespace curfew::server {

struct KeeperLaunch {
  std::string run;
  std::optional<process::Tag> tag;
  std::string directory;
  std::string journal;
};

// The test program's end of its keeper. Any thread may ask; one question at a time is on its way.
class KeeperClient {
 public:
  // Launches the keeper and waits for its first word, at most some seconds.
  [[nodiscard]] static process::Result<std::unique_ptr<KeeperClient>> Start(const KeeperLaunch& launch);

  // The answer to a request. EPIPE when the keeper is gone, ETIMEDOUT when it does not answer in `timeout`.
  // An answer {"op": "failed"} comes back as the Failure it describes.
  [[nodiscard]] process::Result<nlohmann::json> Ask(const nlohmann::json& request, Duration timeout,
                                                    int descriptor = -1);
  // A message that is not answered. Lost if the keeper is gone or does not read.
  void Tell(const nlohmann::json& message) { TellEncoded(keeper::Channel::Encode(message)); }
  void TellEncoded(const std::string& message);
  [[nodiscard]] pid_t pid() const { return keeper_.pid(); }
  // Continues a keeper that somebody has stopped (SIGSTOP).
  void Wake() const { static_cast<void>(keeper_.Signal(SIGCONT)); }
  // Waits until the keeper has ended; whether it has, in time.
  bool AwaitEnd(Duration timeout) const;
  // For the signal handlers: the socket and the keeper's pidfd.
  [[nodiscard]] int control_fd() const { return channel_.fd(); }
  [[nodiscard]] int pidfd() const { return keeper_.get(); }

 private:
  KeeperClient(keeper::Channel channel, process::Pidfd keeper)
      : channel_(std::move(channel)), keeper_(std::move(keeper)) {}
  [[nodiscard]] process::Result<keeper::Channel::Message> AwaitAnswer(Deadline deadline);

  std::mutex mutex_;
  bool broken_ = false;
  keeper::Channel channel_;
  process::Pidfd keeper_;
};

}  // namespace curfew::server
