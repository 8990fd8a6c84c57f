// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>

namespace curfew::readiness {

// One GET over one connection, which never blocks: it is moved on whenever there may be something to do, and
// given up by destroying it.
//
// The answer is read to its end, so that a server which writes the body after the header is not killed by
// SIGPIPE, but no further than 1 MiB. Redirections are not followed.
class HttpAttempt {
 public:
  enum class State {
    kUnderWay,
    kAnswered,  // with a whole header; the body has ended, or it is longer than anybody needs
    kFailed,    // no connection, no HTTP, or cut off before the header's end: `text` says
  };

  // Begins to connect to 127.0.0.1 (AF_INET) or ::1 (AF_INET6). The path has been validated.
  HttpAttempt(int family, std::uint16_t port, const std::string& path);
  HttpAttempt(HttpAttempt&&) noexcept;
  ~HttpAttempt();

  // Goes on as far as is possible without waiting.
  State Advance();
  // What to wait for before the next Advance().
  [[nodiscard]] pollfd Awaited() const;

  // The status once the header is whole, even while the body is under way; else 0.
  [[nodiscard]] int status() const;
  // "503 Service Unavailable", or what went wrong, or how far it has come.
  [[nodiscard]] std::string text() const;
  // Nobody listened at this address.
  [[nodiscard]] bool refused() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace curfew::readiness
