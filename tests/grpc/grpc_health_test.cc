// SPDX-License-Identifier: Apache-2.0
// GrpcHealth, against real gRPC servers and such as are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include <curfew/curfew.h>
#include <curfew/grpc.h>

namespace curfew {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ServerSpec Grpc(const std::string& what) {
  return {.command = {CURFEW_GRPC_SERVER, "{port}", what}, .ready = GrpcHealth(), .ready_timeout = 60s};
}

std::string WhyNot(ServerSpec spec) {
  spec.ready_timeout = 3s;
  try {
    auto server = Server::Start(std::move(spec));
    ADD_FAILURE() << "it is ready";
  } catch (const StartError& error) {
    EXPECT_STREQ(StartError::Name(error.reason()), "kTimedOut") << error.what();
    return error.what();
  }
  return "";
}

TEST(GrpcHealthTest, ServerThatServesIsReady) {
  auto server = Server::Start(Grpc("serving"));
  EXPECT_THAT(server, IsReady());
}

TEST(GrpcHealthTest, ServiceOfItsOwnNameOnAPortOfItsOwnName) {
  auto spec = Grpc("serving");
  spec.command[1] = "{port:api}";
  spec.ready = GrpcHealth("shop.Cart", {.port = "api"});
  auto server = Server::Start(std::move(spec));
  EXPECT_THAT(server, IsReady());
}

TEST(GrpcHealthTest, IsWaitedForUntilItServes) {
  auto server = Server::Start(Grpc("late"));
  EXPECT_THAT(server, HasLogLine("serving from now on"));
}

// The test program may fork at will: no thread of gRPC's is in it.
TEST(GrpcHealthTest, LeavesNoThreadInTheTestProgram) {
  auto server = Server::Start(Grpc("serving"));
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("Threads:")) {
  }
  EXPECT_EQ(line, "Threads:\t1");
}

TEST(GrpcHealthTest, NotServingIsSaid) {
  EXPECT_THAT(WhyNot(Grpc("never")),
              HasSubstr("NOT_SERVING: the server is up and says that this service is not"));
}

TEST(GrpcHealthTest, ServerWithoutTheHealthServiceIsTold) {
  EXPECT_THAT(WhyNot(Grpc("without")), HasSubstr("UNIMPLEMENTED: the server has no grpc.health.v1.Health"));
}

TEST(GrpcHealthTest, ServiceThatIsNotKnownIsNamed) {
  auto spec = Grpc("serving");
  spec.ready = GrpcHealth("shop.Till");
  EXPECT_THAT(WhyNot(std::move(spec)), HasSubstr("knows no service \"shop.Till\""));
}

TEST(GrpcHealthTest, WhoSpeaksSomethingElseIsUnavailable) {
  EXPECT_THAT(
      WhyNot({.command = {CURFEW_SAMPLE_DIR "/http_hello", "--port", "{port}"}, .ready = GrpcHealth()}),
      HasSubstr("UNAVAILABLE: nobody answers there in gRPC"));
}

TEST(GrpcHealthTest, AttemptWithoutAnAnswerHasAnEnd) {
  auto spec = Grpc("hangs");
  spec.ready = GrpcHealth("", {.attempt = 500ms});
  EXPECT_THAT(WhyNot(std::move(spec)), AllOf(HasSubstr("still running after"), HasSubstr("killed")));
}

}  // namespace
}  // namespace curfew
