// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace curfew {

// Where a server's ports live.
class Network {
 public:
  // In the test program's own network namespace, as if it had been started by hand.
  [[nodiscard]] static Network Shared() { return Network(false); }
  // In a network namespace of the server's own, with nothing but a loopback: any number of servers may use the same
  // ports at once. Whoever wants in uses Server::ConnectTcp; other clients cannot reach it, and it reaches nobody.
  // Takes CAP_SYS_ADMIN, or user namespaces that any user may make (user_namespaces(7)): then the server runs in one in
  // which only its own user and group have names. Where neither is allowed the start fails (kCouldNotLaunch).
  // Readiness is looked for inside; what has to connect for that (Http) is refused in a spec.
  [[nodiscard]] static Network Private() { return Network(true); }

  [[nodiscard]] bool is_private() const { return private_; }  // made by Private()

 private:
  explicit Network(bool is_private) : private_(is_private) {}

  bool private_;
};

}  // namespace curfew
