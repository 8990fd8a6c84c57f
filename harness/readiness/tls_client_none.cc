// SPDX-License-Identifier: Apache-2.0
// TlsClient of a build without OpenSSL. A spec that asks for it is refused before anything is launched.
#include "readiness/tls_client.h"

namespace curfew::readiness {

struct TlsClient::Impl {
  std::string error = "TLS: this build of Curfew has none";
};

bool TlsClient::Available() {
  return false;
}

TlsClient::TlsClient(const Options&) : impl_(std::make_unique<Impl>()) {}
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient::~TlsClient() = default;

void TlsClient::Write(std::string_view) {}
void TlsClient::Receive(std::string_view) {}
std::string TlsClient::TakeOutgoing() {
  return {};
}
std::string TlsClient::TakeText() {
  return {};
}
const std::string& TlsClient::error() const {
  return impl_->error;
}
bool TlsClient::ended() const {
  return true;
}

}  // namespace curfew::readiness
