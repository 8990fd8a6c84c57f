// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace curfew::readiness {

// The client's side of one TLS connection, as a transformation of bytes: it has no socket, so it neither blocks nor
// raises SIGPIPE. Built without OpenSSL every connection fails and says so.
class TlsClient {
 public:
  struct Options {
    std::filesystem::path ca_file;  // PEM
    bool unverified = false;
    std::string server_name;  // "": a certificate for 127.0.0.1, ::1 or localhost will do
  };

  // Whether this build can do it at all.
  [[nodiscard]] static bool Available();

  explicit TlsClient(const Options& options);
  TlsClient(TlsClient&&) noexcept;
  ~TlsClient();

  // Text to be sent; kept until the handshake is done.
  void Write(std::string_view text);
  // Bytes that came from the network.
  void Receive(std::string_view bytes);
  // Bytes for the network.
  [[nodiscard]] std::string TakeOutgoing();
  // Text that was received.
  [[nodiscard]] std::string TakeText();

  // What went wrong, complete by itself; empty if nothing did. Afterwards nothing more is sent.
  [[nodiscard]] const std::string& error() const;
  // The peer has said that nothing more will come.
  [[nodiscard]] bool ended() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace curfew::readiness
