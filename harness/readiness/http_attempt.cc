// SPDX-License-Identifier: Apache-2.0
#include "readiness/http_attempt.h"

#include <netinet/in.h>
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
#include "readiness/text.h"

namespace curfew::readiness {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kLongestHeader = 64 * 1024;
constexpr std::uint64_t kLongestBody = 1024 * 1024;
constexpr std::size_t kExcerpt = 60;

std::string MakeRequest(int family, std::uint16_t port, const std::string& path) {
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, (family == AF_INET6 ? "[::1]:" : "127.0.0.1:") + std::to_string(port));
  request.set(http::field::user_agent, "curfew");
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  std::ostringstream text;
  text << request;
  return text.str();
}

int Connect(int socket, int family, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result = family == AF_INET6
                         ? ::connect(socket, reinterpret_cast<const sockaddr*>(&v6), sizeof v6)
                         : ::connect(socket, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  return result == 0 || errno == EINPROGRESS ? 0 : errno;
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
    parser->body_limit(kLongestBody);
    parser->eager(true);
  }
  // The start of what came, for people.
  [[nodiscard]] std::string Excerpt() const {
    return first_bytes.empty() ? "" : ": " + Quoted(first_bytes, kExcerpt);
  }

  void Write();
  void Read();
  void Parse();
  void TakeEnd();
  void Answer();

  process::FileDescriptor socket;
  std::string request;   // what is still to be sent
  std::string received;  // what the parser has not taken yet
  std::string first_bytes;
  std::optional<Parser> parser;
  State state = State::kUnderWay;
  int status = 0;
  bool refused = false;
  std::string text;
};

HttpAttempt::HttpAttempt(int family, std::uint16_t port, const std::string& path)
    : impl_(std::make_unique<Impl>()) {
  impl_->NewParser();
  impl_->request = MakeRequest(family, port, path);
  impl_->socket.Reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int error = impl_->socket.valid() ? Connect(impl_->socket.get(), family, port) : errno;
  if (error != 0) impl_->Fail("connect", error);
}

HttpAttempt::HttpAttempt(HttpAttempt&&) noexcept = default;
HttpAttempt::~HttpAttempt() = default;

HttpAttempt::State HttpAttempt::Advance() {
  if (impl_->state == State::kUnderWay && !impl_->request.empty()) impl_->Write();
  if (impl_->state == State::kUnderWay && impl_->request.empty()) impl_->Read();
  return impl_->state;
}

pollfd HttpAttempt::Awaited() const {
  const bool writing = !impl_->request.empty();
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
  return impl_->request.empty() ? "no answer" : "no connection";
}

void HttpAttempt::Impl::Write() {
  while (!request.empty()) {
    // Before the connection stands this is EAGAIN, and if it was refused ECONNREFUSED.
    const ssize_t sent = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return Fail("send the request", errno);
    request.erase(0, static_cast<std::size_t>(sent));
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
    received += bytes;
    if (first_bytes.size() < kExcerpt) first_bytes += bytes.substr(0, kExcerpt);
    Parse();
  }
}

void HttpAttempt::Impl::Parse() {
  while (!received.empty() && state == State::kUnderWay) {
    boost::system::error_code error;
    const std::size_t taken = parser->put(boost::asio::buffer(std::as_const(received)), error);
    received.erase(0, taken);
    if (parser->is_header_done()) Answer();
    if (error == http::error::need_more) return;
    if (error && status == 0) {
      state = State::kFailed;
      text = "an answer that is no HTTP (" + error.message() + ")" + Excerpt();
    } else if (error || (status != 0 && parser->is_done())) {
      // A body that is too long or breaks off does not unsay the status.
      state = State::kAnswered;
    } else if (parser->is_done()) {
      NewParser();  // a 1xx: the answer proper follows
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
