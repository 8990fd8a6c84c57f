// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "readiness/tls_client.h"

namespace curfew::readiness {

// What to ask, and how.
struct HttpQuestion {
  std::string method = "GET";
  std::string target = "/";
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  std::optional<TlsClient::Options> tls = {};  // absent: in the clear
};

// One request over one connection, which never blocks: it is moved on whenever there may be something to do, and
// given up by destroying it.
//
// The answer is read to its end, so that a server which writes the body after the header is not killed by
// SIGPIPE, but no further than 64 KiB of header and 1 MiB of body. Redirections are not followed.
class HttpAttempt {
 public:
  enum class State {
    kUnderWay,
    kAnswered,  // with a whole header; the body has ended, or it is longer than anybody needs
    kFailed,    // no connection, no TLS, no HTTP, or cut off before the header's end: `text` says
  };

  // Begins to connect to 127.0.0.1 (AF_INET) or ::1 (AF_INET6). The question has been validated.
  HttpAttempt(int family, std::uint16_t port, const HttpQuestion& question);
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
  // What has come of the answer's body.
  [[nodiscard]] const std::string& body() const;
  // Its Location, if it has one.
  [[nodiscard]] std::string location() const;
  // Nobody listened at this address.
  [[nodiscard]] bool refused() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace curfew::readiness
