// SPDX-License-Identifier: Apache-2.0
// curfew-relay HOST PORT TO-HOST TO-PORT: listens on the first address and passes each connection on to the second,
// so that a test that knows its server by {port} can use one that runs elsewhere. It listens only when the other
// side has answered once: what cannot be reached is a server that died early, with the reason in its log.
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Both sides of a connection. It lives as long as one of its two directions does.
struct Connection {
  explicit Connection(asio::io_context& context) : near(context), far(context) {}
  tcp::socket near;
  tcp::socket far;
  std::array<char, 65536> to_far{};
  std::array<char, 65536> to_near{};
};

// One direction: what one side sends the other gets, its end of file included. An error on either ends both.
void Pump(const std::shared_ptr<Connection>& connection, tcp::socket& from, tcp::socket& to,
          std::array<char, 65536>& buffer) {
  from.async_read_some(asio::buffer(buffer), [=, &from, &to, &buffer](error_code error, std::size_t size) {
    error_code ignored;
    if (error == asio::error::eof) {
      to.shutdown(tcp::socket::shutdown_send, ignored);
      return;
    }
    if (error) {
      connection->near.close(ignored);
      connection->far.close(ignored);
      return;
    }
    asio::async_write(to, asio::buffer(buffer, size), [=, &from, &to, &buffer](error_code failed, std::size_t) {
      if (!failed) return Pump(connection, from, to, buffer);
      error_code unused;
      connection->near.close(unused);
      connection->far.close(unused);
    });
  });
}

class Relay {
 public:
  Relay(asio::io_context& context, const tcp::endpoint& here, tcp::resolver::results_type there)
      : context_(context), acceptor_(context, here, true), there_(std::move(there)) {
    Accept();
  }

 private:
  void Accept() {
    auto connection = std::make_shared<Connection>(context_);
    acceptor_.async_accept(connection->near, [this, connection](error_code error) {
      if (!error) Connect(connection);
      Accept();
    });
  }

  void Connect(const std::shared_ptr<Connection>& connection) {
    asio::async_connect(connection->far, there_, [connection](error_code error, const tcp::endpoint& /*which*/) {
      if (error) {
        std::fprintf(stderr, "curfew-relay: connect: %s\n", error.message().c_str());
        return;  // the near side is closed with the connection
      }
      error_code ignored;
      connection->near.set_option(tcp::no_delay(true), ignored);
      connection->far.set_option(tcp::no_delay(true), ignored);
      Pump(connection, connection->near, connection->far, connection->to_far);
      Pump(connection, connection->far, connection->near, connection->to_near);
    });
  }

  asio::io_context& context_;
  tcp::acceptor acceptor_;
  tcp::resolver::results_type there_;
};

int Run(char** argv) {
  asio::io_context context(1);
  const auto there = tcp::resolver(context).resolve(argv[3], argv[4]);
  tcp::socket probe(context);
  asio::connect(probe, there);
  probe.close();
  const tcp::endpoint here(asio::ip::make_address(argv[1]), static_cast<unsigned short>(std::atoi(argv[2])));
  const Relay relay(context, here, there);
  std::printf("relaying to %s:%s\n", argv[3], argv[4]);
  std::fflush(stdout);
  context.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: curfew-relay HOST PORT TO-HOST TO-PORT\n");
    return 2;
  }
  try {
    return Run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "curfew-relay: cannot reach %s:%s: %s\n", argv[3], argv[4], error.what());
    return 1;
  }
}
