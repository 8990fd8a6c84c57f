// SPDX-License-Identifier: Apache-2.0
// grpc_server PORT WHAT: a gRPC server that says about its health, by gRPC's own health service,
//   serving        SERVING, for "" and "shop.Cart"
//   late           NOT_SERVING at first, SERVING after half a second
//   never          NOT_SERVING
//   without        nothing: it has no health service
//   hangs          nothing: it accepts the call and never answers
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::alarm(120);  // whatever goes wrong in a test
  const std::string what = argv[2];
  grpc::EnableDefaultHealthCheckService(what != "without" && what != "hangs");
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::string(argv[1]), grpc::InsecureServerCredentials());
  grpc::AsyncGenericService any;
  // A server without a service of its own needs a queue that somebody polls.
  const auto queue = builder.AddCompletionQueue();
  if (what == "hangs") builder.RegisterAsyncGenericService(&any);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream(&context);
  const std::jthread polls([&queue] {
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) {
    }
  });
  if (what == "hangs") any.RequestCall(&context, &stream, queue.get(), queue.get(), nullptr);
  if (auto* const health = server->GetHealthCheckService()) {
    health->SetServingStatus(what == "serving");
    health->SetServingStatus("shop.Cart", what == "serving");
    if (what == "late") {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      health->SetServingStatus(true);
      std::puts("serving from now on");
      std::fflush(stdout);
    }
  }
  server->Wait();
}
