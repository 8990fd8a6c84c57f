// SPDX-License-Identifier: Apache-2.0
// HTTP: / says hello, /health is well, /status/NNN answers with that status, /slow never answers.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "sample.h"

namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

unsigned StatusFor(std::string_view target) {
  constexpr std::string_view kStatus = "/status/";
  if (target == "/" || target == "/health") return 200;
  if (!target.starts_with(kStatus)) return 404;
  unsigned status = 0;
  std::from_chars(target.data() + kStatus.size(), target.data() + target.size(), status);
  return status >= 200 && status <= 599 ? status : 404;
}

Response Answer(const Request& request) {
  const std::string target(request.target());
  Response response;
  response.result(StatusFor(target));
  response.version(request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain");
  if (response.result_int() != 204 && response.result_int() != 304) {
    response.body() =
        target == "/" ? "hello\n" : std::string(http::obsolete_reason(response.result())) + '\n';
  }
  response.prepare_payload();
  return response;
}

void Serve(tcp::socket client) {
  boost::beast::flat_buffer buffer;
  boost::system::error_code error;
  for (;;) {
    Request request;
    http::read(client, buffer, request, error);
    if (error) return;
    if (request.target() == "/slow") continue;  // the next read holds the client until it gives up
    const Response response = Answer(request);
    http::write(client, response, error);
    if (error || !response.keep_alive()) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const sample::Options options(argc, argv);
  boost::asio::io_context context;
  tcp::acceptor acceptor(context, tcp::v4(), sample::ListenTcp(options.port()));
  for (;;) {
    tcp::socket client = acceptor.accept();
    std::thread(Serve, std::move(client)).detach();
  }
}
