// SPDX-License-Identifier: Apache-2.0
#include <curfew/grpc.h>

#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "server/keeper_program.h"

namespace curfew {
namespace {

std::string HealthProgram() {
  const auto keeper = server::FindKeeperProgram();
  if (keeper.path.empty()) throw std::runtime_error("GrpcHealth: " + keeper.WhyNone());
  const auto program = std::filesystem::path(keeper.path).parent_path() / "curfew-grpc-health";
  if (::access(program.c_str(), X_OK) != 0) {
    throw std::runtime_error("GrpcHealth: there is no " + program.string() +
                             ", the program that asks; was Curfew built without gRPC (CURFEW_GRPC)?");
  }
  return program.string();
}

}  // namespace

Ready GrpcHealth(const std::string& service) {
  return GrpcHealth(service, {});
}

Ready GrpcHealth(const std::string& service, const GrpcHealthOptions& options) {
  const std::string port = options.port.empty() ? "{port}" : "{port:" + options.port + '}';
  // The listener first: it is what proves that the server which answers is ours.
  return Ready::All({Ready::Tcp(options.port), Ready::Command({HealthProgram(), "{host}", port, service},
                                                              {.attempt = options.attempt})});
}

}  // namespace curfew
