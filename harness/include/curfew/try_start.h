// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include <curfew/server.h>
#include <curfew/spec.h>
#include <curfew/start_error.h>

namespace curfew {

// A running server, or why there is none: for suites that are compiled with -fno-exceptions.
// Asking for the one it is not ends the program, with the other one's text on stderr.
class [[nodiscard]] StartResult {
 public:
  StartResult(Server server) : server_(std::move(server)) {}  // started
  StartResult(StartError error) : error_(std::move(error)) {}  // not started

  [[nodiscard]] bool has_value() const { return server_.has_value(); }  // there is a server
  explicit operator bool() const { return has_value(); }  // has_value()

  [[nodiscard]] Server& value() { return has_value() ? *server_ : (Refuse(), *server_); }  // the server
  Server& operator*() { return value(); }  // value()
  Server* operator->() { return &value(); }  // of value()
  [[nodiscard]] const StartError& error() const { return error_ ? *error_ : (Refuse(), *error_); }  // why there is none

 private:
  [[noreturn]] void Refuse() const;

  std::optional<Server> server_;
  std::optional<StartError> error_;
};

// As Server::Start, with what that throws returned instead. Anything but a StartError (a forked child, no memory)
// comes as one with the reason kHarnessLost.
//
// What else throws in this library is a mistake of the caller (a port name that the spec has not), or says that the
// warden has been killed from outside. Such an exception goes through code without exceptions to GoogleTest, which
// catches it and fails the test; local objects on its way are not destroyed, but no process outlives the program.
//
//   auto server = curfew::TryStart({.command = {"redis-server", "--port", "{port}"}});
//   ASSERT_TRUE(server) << server.error().what();
//   Connect(server->host(), server->port());
StartResult TryStart(ServerSpec spec, std::stop_token cancel = {}) noexcept;

}  // namespace curfew
