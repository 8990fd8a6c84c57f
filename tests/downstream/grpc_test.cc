// SPDX-License-Identifier: Apache-2.0
// An installed Curfew with its component grpc: the helper program is found in the prefix, and asks.
#include <curfew/curfew.h>
#include <curfew/grpc.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace {

using testing::HasSubstr;

// Listens, accepts, and says nothing: what asks tells so in gRPC's own words.
TEST(Grpc, TellsAServerThatSpeaksSomethingElse) {
  curfew::ServerSpec spec;
  spec.command = {"python3", "-c",
                  "import socket; s = socket.create_server(('127.0.0.1', {port}))\n"
                  "while True: s.accept()[0].close()"};
  spec.ready = curfew::GrpcHealth();
  spec.ready_timeout = std::chrono::seconds(5);
  try {
    auto server = curfew::Server::Start(spec);
    FAIL() << "it is ready";
  } catch (const curfew::StartError& error) {
    EXPECT_THAT(error.what(), HasSubstr("UNAVAILABLE"));
  }
}

}  // namespace
