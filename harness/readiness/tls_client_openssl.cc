// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <utility>

#include "readiness/text.h"
#include "readiness/tls_client.h"

namespace curfew::readiness {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// The oldest error in OpenSSL's queue of this thread, which is emptied: it is the cause of the others.
std::string TakeError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  const char* const reason = ERR_reason_error_string(code);
  return code == 0 ? "unknown error" : reason != nullptr ? reason : text.data();
}

bool IsFor(X509* certificate, const std::string& name) {
  if (X509_check_ip_asc(certificate, name.c_str(), 0) == 1) return true;
  return X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
}

}  // namespace

struct TlsClient::Impl {
  void SetUp();
  // Goes on with whatever is possible now.
  void Advance();
  void Shake();
  void CheckCertificate();
  void Fail(const std::string& what) { error = what; }

  Options options;
  std::unique_ptr<SSL_CTX, Free> context;
  std::unique_ptr<SSL, Free> connection;
  std::string waiting;   // text to be sent
  std::string received;  // text that came
  std::string error;
  bool shaken = false;
  bool ended = false;
};

bool TlsClient::Available() {
  return true;
}

TlsClient::TlsClient(const Options& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  impl_->SetUp();
  if (impl_->error.empty()) impl_->Advance();
}

TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient::~TlsClient() = default;

void TlsClient::Impl::SetUp() {
  ERR_clear_error();
  context.reset(SSL_CTX_new(TLS_client_method()));
  if (!context) return Fail("TLS: failed to set up: " + TakeError());
  if (!options.unverified) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // To open a FIFO blocks until somebody writes to it, and a device may be without end.
    if (struct stat file {}; ::stat(options.ca_file.c_str(), &file) == 0 && !S_ISREG(file.st_mode)) {
      return Fail("TLS: ca_file " + Printable(options.ca_file.native(), 4096) + " is no regular file");
    }
    if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
      return Fail("TLS: failed to read ca_file " + Printable(options.ca_file.native(), 4096) + ": " + TakeError());
    }
  }
  connection.reset(SSL_new(context.get()));
  BIO* const from_network = BIO_new(BIO_s_mem());
  BIO* const to_network = BIO_new(BIO_s_mem());
  if (!connection || from_network == nullptr || to_network == nullptr) {
    BIO_free(from_network);
    BIO_free(to_network);
    return Fail("TLS: failed to set up: " + TakeError());
  }
  SSL_set_bio(connection.get(), from_network, to_network);  // owns both from here on
  SSL_set_connect_state(connection.get());
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(connection.get(), options.server_name.c_str());
}

void TlsClient::Impl::Shake() {
  const int result = SSL_do_handshake(connection.get());
  if (result == 1) {
    shaken = true;
    return CheckCertificate();
  }
  const int why = SSL_get_error(connection.get(), result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
  const long verdict = SSL_get_verify_result(connection.get());
  if (!options.unverified && verdict != X509_V_OK) {
    ERR_clear_error();
    return Fail(std::string("TLS: its certificate is not trusted: ") + X509_verify_cert_error_string(verdict));
  }
  Fail("TLS: no handshake: " + TakeError());
}

// OpenSSL's own check takes one name; a server on loopback may be meant by several.
void TlsClient::Impl::CheckCertificate() {
  if (options.unverified) return;
  const std::unique_ptr<X509, Free> certificate(SSL_get1_peer_certificate(connection.get()));
  if (!certificate) return Fail("TLS: it has shown no certificate");
  const std::string& wanted = options.server_name;
  const bool fits = wanted.empty() ? IsFor(certificate.get(), "127.0.0.1") || IsFor(certificate.get(), "::1") ||
                                         IsFor(certificate.get(), "localhost")
                                   : IsFor(certificate.get(), wanted);
  if (!fits) Fail("TLS: its certificate is not for " + (wanted.empty() ? "127.0.0.1, ::1 or localhost" : wanted));
}

void TlsClient::Impl::Advance() {
  ERR_clear_error();
  if (!shaken) Shake();
  if (!shaken || !error.empty()) return;
  if (!waiting.empty()) {
    // A memory BIO takes all there is.
    if (SSL_write(connection.get(), waiting.data(), static_cast<int>(waiting.size())) <= 0) {
      return Fail("TLS: failed to send: " + TakeError());
    }
    waiting.clear();
  }
  std::array<char, 16384> text;
  while (true) {
    const int got = SSL_read(connection.get(), text.data(), static_cast<int>(text.size()));
    if (got > 0) {
      received.append(text.data(), static_cast<std::size_t>(got));
      continue;
    }
    const int why = SSL_get_error(connection.get(), got);
    if (why == SSL_ERROR_ZERO_RETURN) ended = true;
    if (why == SSL_ERROR_SSL) Fail("TLS: broken: " + TakeError());
    ERR_clear_error();
    return;
  }
}

void TlsClient::Write(std::string_view text) {
  impl_->waiting += text;
  if (impl_->error.empty()) impl_->Advance();
}

void TlsClient::Receive(std::string_view bytes) {
  if (!impl_->error.empty() || bytes.empty()) return;
  BIO_write(SSL_get_rbio(impl_->connection.get()), bytes.data(), static_cast<int>(bytes.size()));
  impl_->Advance();
}

std::string TlsClient::TakeOutgoing() {
  std::string bytes;
  if (!impl_->connection) return bytes;
  std::array<char, 16384> piece;
  int got = 0;
  while ((got = BIO_read(SSL_get_wbio(impl_->connection.get()), piece.data(), static_cast<int>(piece.size()))) > 0) {
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

std::string TlsClient::TakeText() {
  return std::exchange(impl_->received, {});
}

const std::string& TlsClient::error() const {
  return impl_->error;
}
bool TlsClient::ended() const {
  return impl_->ended;
}

}  // namespace curfew::readiness
