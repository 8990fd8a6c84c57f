// SPDX-License-Identifier: Apache-2.0
#include "readiness/http_attempt.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "process/file_descriptor.h"
#include "process/names.h"
#include "readiness/loopback.h"
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kLongestHeader = 64 * 1024;
constexpr std::size_t kLongestBody = 1024 * 1024;
// All that is read in one attempt: a flood of chunks of one byte has an end, too.
constexpr std::size_t kLongestAnswer = 8 * kLongestBody;
constexpr int kMostPreliminary = 100;
constexpr std::size_t kExcerpt = 60;

std::string MakeRequest(int family, std::uint16_t port, const HttpQuestion& question) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(question.method);
  request.target(question.target);
  request.set(http::field::host, (family == AF_INET6 ? "[::1]:" : "127.0.0.1:") + std::to_string(port));
  request.set(http::field::user_agent, "curfew");
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  request.body() = question.body;
  if (!question.body.empty()) request.prepare_payload();
  for (const auto& [name, value] : question.headers) request.set(name, value);
  std::ostringstream text;
  text << request;
  return text.str();
}

}  // namespace

struct HttpAttempt::Impl {
  using Parser = http::response_parser<http::string_body>;

  void Fail(const std::string& operation, int error) {
    state = State::kFailed;
    refused = error == ECONNREFUSED;
    text = refused ? "connection refused" : "failed to " + operation + ": " + process::DescribeErrno(error);
  }
  void NewParser() {
    parser.emplace();
    parser->header_limit(kLongestHeader);
    // Bounded below: Beast would refuse a body that announces its length without reading any of it.
    parser->body_limit(boost::none);
    parser->eager(true);
    parser->skip(head);  // the answer to HEAD announces a body and has none (RFC 9110, 9.3.2)
  }
  // The start of what came, for people.
  [[nodiscard]] std::string Excerpt() const {
    return first_bytes.empty() ? "" : ": " + Quoted(first_bytes, kExcerpt);
  }

  void Write();
  void Read();
  void Take(std::string_view bytes);
  void Parse();
  void TakeEnd();
  void Answer();
  // Whether TLS still stands.
  bool CheckTls();
  [[nodiscard]] std::size_t body_size() const { return parser->get().body().size(); }

  process::FileDescriptor socket;
  std::optional<TlsClient> tls;
  bool head = false;
  std::string outgoing;  // bytes that are still to be sent
  std::string received;  // what the parser has not taken yet
  std::string first_bytes;
  std::size_t total = 0;  // bytes of the answer so far
  int preliminary = 0;    // answers with 1xx before it
  std::optional<Parser> parser;
  State state = State::kUnderWay;
  int status = 0;
  bool refused = false;
  std::string text;
};

HttpAttempt::HttpAttempt(int family, std::uint16_t port, const HttpQuestion& question)
    : impl_(std::make_unique<Impl>()) {
  impl_->head = question.method == "HEAD";
  impl_->NewParser();
  impl_->outgoing = MakeRequest(family, port, question);
  if (question.tls) {
    impl_->tls.emplace(*question.tls);
    impl_->tls->Write(std::exchange(impl_->outgoing, {}));
    impl_->outgoing = impl_->tls->TakeOutgoing();
    if (!impl_->CheckTls()) return;
  }
  auto begun = BeginConnection(family, port);
  if (begun.ok()) {
    impl_->socket = std::move(*begun);
  } else {
    impl_->Fail("connect", begun.failure().error);
  }
}

HttpAttempt::HttpAttempt(HttpAttempt&&) noexcept = default;
HttpAttempt::~HttpAttempt() = default;

HttpAttempt::State HttpAttempt::Advance() {
  if (impl_->state == State::kUnderWay && !impl_->outgoing.empty()) impl_->Write();
  if (impl_->state == State::kUnderWay && impl_->outgoing.empty()) impl_->Read();
  return impl_->state;
}

pollfd HttpAttempt::Awaited() const {
  const bool writing = !impl_->outgoing.empty();
  return {.fd = impl_->socket.get(), .events = static_cast<short>(writing ? POLLOUT : POLLIN), .revents = 0};
}

int HttpAttempt::status() const {
  return impl_->status;
}
bool HttpAttempt::refused() const {
  return impl_->refused;
}

std::string HttpAttempt::text() const {
  if (!impl_->text.empty()) return impl_->text;
  if (!impl_->first_bytes.empty()) return "an unfinished answer" + impl_->Excerpt();
  return impl_->outgoing.empty() ? "no answer" : "no connection";
}

const std::string& HttpAttempt::body() const {
  return impl_->parser->get().body();
}

std::string HttpAttempt::location() const {
  const auto& answer = impl_->parser->get();
  const auto found = answer.find(http::field::location);
  return found == answer.end() ? std::string() : std::string(found->value().data(), found->value().size());
}

void HttpAttempt::Impl::Write() {
  while (!outgoing.empty()) {
    // Before the connection stands this is EAGAIN, and if it was refused ECONNREFUSED.
    const ssize_t sent = ::send(socket.get(), outgoing.data(), outgoing.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return Fail("send the request", errno);
    outgoing.erase(0, static_cast<std::size_t>(sent));
  }
}

void HttpAttempt::Impl::Read() {
  std::array<char, 16384> chunk;
  while (state == State::kUnderWay) {
    const ssize_t got = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got == 0 || (got < 0 && status != 0)) return TakeEnd();
    if (got < 0) return Fail("read the answer", errno);
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
    if (!tls) {
      Take(bytes);
      continue;
    }
    tls->Receive(bytes);
    Take(tls->TakeText());
    outgoing += tls->TakeOutgoing();
    if (state != State::kUnderWay || !CheckTls()) return;
    if (tls->ended()) return TakeEnd();
    if (!outgoing.empty()) Write();
  }
}

bool HttpAttempt::Impl::CheckTls() {
  if (tls->error().empty()) return true;
  // What breaks after the answer does not unsay it.
  state = status != 0 ? State::kAnswered : State::kFailed;
  if (status == 0) text = tls->error();
  return false;
}

void HttpAttempt::Impl::Take(std::string_view bytes) {
  if (bytes.empty()) return;
  total += bytes.size();
  if (total > kLongestAnswer) {
    state = status != 0 ? State::kAnswered : State::kFailed;
    if (status == 0) text = "no end of the answer in 8 MiB" + Excerpt();
    return;
  }
  received += bytes;
  if (first_bytes.size() < kExcerpt) first_bytes += bytes.substr(0, kExcerpt);
  Parse();
}

void HttpAttempt::Impl::Parse() {
  while (!received.empty() && state == State::kUnderWay) {
    boost::system::error_code error;
    const std::size_t taken = parser->put(boost::asio::buffer(std::as_const(received)), error);
    received.erase(0, taken);
    if (parser->is_header_done()) Answer();
    if (error == http::error::need_more && body_size() < kLongestBody) return;
    if (error && status == 0) {
      state = State::kFailed;
      text = "an answer that is no HTTP (" + error.message() + ")" + Excerpt();
    } else if (error || (status != 0 && (parser->is_done() || body_size() >= kLongestBody))) {
      // A body that is too long or breaks off does not unsay the status.
      state = State::kAnswered;
    } else if (parser->is_done()) {
      NewParser();  // a 1xx: the answer proper follows
      if (++preliminary > kMostPreliminary) {
        state = State::kFailed;
        text = "no end of preliminary answers" + Excerpt();
      }
    }
  }
}

// The header is whole. 100 Continue and its like announce an answer and are none (RFC 9110, 15.2).
void HttpAttempt::Impl::Answer() {
  const auto number = static_cast<int>(parser->get().result_int());
  if (number < 200 && number != 101) return;
  status = number;
  const std::string_view reason(parser->get().reason().data(), parser->get().reason().size());
  text = std::to_string(status) + (reason.empty() ? "" : " " + Printable(reason, 100));
}

void HttpAttempt::Impl::TakeEnd() {
  state = status != 0 ? State::kAnswered : State::kFailed;
  if (status == 0) text = "connection closed before an answer" + Excerpt();
}

}  // namespace curfew::readiness
