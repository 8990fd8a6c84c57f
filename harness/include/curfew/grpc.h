// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include <curfew/duration.h>
#include <curfew/ready.h>

namespace curfew {

// How GrpcHealth asks.
struct GrpcHealthOptions {
  std::string port = {};                       // name of the port; "" is {port}
  Duration attempt = std::chrono::seconds(5);  // > 0; for one attempt, then it is killed and a new one begins
};

// Ready when the server listens on the port and says SERVING when its health is asked for, as grpc.health.v1
// has it (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), without TLS. `service` "" is the
// whole server. What a start that failed shows of the last attempt tells apart: nobody speaks gRPC there
// (UNAVAILABLE), a server without the health service (UNIMPLEMENTED), a service it does not know (NOT_FOUND),
// and NOT_SERVING.
//
// Link curfew::grpc, which is there where Curfew was built with gRPC (find_package(curfew COMPONENTS grpc)).
// The test program itself neither links nor loads gRPC, whose threads would make each fork(2) of it, and so
// every death test, a gamble: each attempt is a Ready::Command, a small program of Curfew that asks and ends.
// So an attempt takes some 10 to 50 ms, and it reaches servers on {host} (IPv4), not those on ::1 alone, and
// none in a Network::Private.
//
// Throws std::runtime_error if that program is not beside the keeper's.
//
//   spec.ready = curfew::GrpcHealth();                            // {port}, the whole server
//   spec.ready = curfew::GrpcHealth("shop.Cart", {.port = "api"});
[[nodiscard]] Ready GrpcHealth(const std::string& service = "");
// The same, asked as the options say.
[[nodiscard]] Ready GrpcHealth(const std::string& service, const GrpcHealthOptions& options);

}  // namespace curfew
