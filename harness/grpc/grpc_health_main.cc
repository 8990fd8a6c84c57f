// SPDX-License-Identifier: Apache-2.0
// curfew-grpc-health HOST PORT SERVICE: asks a gRPC server for its health, once. Status 0 if it says SERVING;
// else 1, and a line of what it said instead. Generic calls with messages written by hand: two fields need no
// code generator.
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

// HealthCheckRequest: `string service = 1`.
grpc::ByteBuffer Request(const std::string& service) {
  std::string bytes;
  if (!service.empty()) {
    bytes += '\x0a';
    std::size_t size = service.size();
    for (; size >= 0x80; size >>= 7U) bytes += static_cast<char>(0x80U | (size & 0x7fU));
    bytes += static_cast<char>(size);
    bytes += service;
  }
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

// HealthCheckResponse: `ServingStatus status = 1`, absent for 0. Nothing if it is something else.
std::optional<unsigned> Status(const grpc::ByteBuffer& answer) {
  std::vector<grpc::Slice> slices;
  if (!answer.Dump(&slices).ok()) return std::nullopt;
  std::string bytes;
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  if (bytes.empty()) return 0;
  if (bytes.size() != 2 || bytes[0] != '\x08') return std::nullopt;
  return static_cast<unsigned char>(bytes[1]);
}

std::string Explain(const grpc::Status& status, const std::string& service) {
  const std::string said = status.error_message().empty() ? "" : " (" + status.error_message() + ")";
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return "UNAVAILABLE: nobody answers there in gRPC without TLS" + said;
    case grpc::StatusCode::UNIMPLEMENTED:
      return "UNIMPLEMENTED: the server has no grpc.health.v1.Health; register that service, or wait for "
             "Ready::Tcp() alone" +
             said;
    case grpc::StatusCode::NOT_FOUND:
      return "NOT_FOUND: the server's health service knows no service \"" + service + "\"" + said;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED: no answer" + said;
    default:
      return "status " + std::to_string(static_cast<int>(status.error_code())) + said;
  }
}

std::string Explain(std::optional<unsigned> status) {
  if (!status) return "answered, but not with a HealthCheckResponse";
  switch (*status) {
    case 0:
      return "UNKNOWN: the server has not set the status of this service yet";
    case 1:
      return "SERVING";
    case 2:
      return "NOT_SERVING: the server is up and says that this service is not";
    case 3:
      return "SERVICE_UNKNOWN: the server's health service does not know this service";
    default:
      return "status " + std::to_string(*status) + ", which grpc.health.v1 does not have";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: curfew-grpc-health HOST PORT SERVICE\n", stderr);
    return 2;
  }
  const std::string service = argv[3];
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // it is this machine's
  const auto channel = grpc::CreateCustomChannel("ipv4:" + std::string(argv[1]) + ':' + argv[2],
                                                 grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  // Whoever runs this ends it when the attempt is over.
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", Request(service), &queue);
  grpc::ByteBuffer answer;
  grpc::Status outcome;
  call->StartCall();
  call->Finish(&answer, &outcome, nullptr);
  void* tag = nullptr;
  bool ok = false;
  if (!queue.Next(&tag, &ok)) return 1;
  const auto status = outcome.ok() ? Status(answer) : std::nullopt;
  std::puts((outcome.ok() ? Explain(status) : Explain(outcome, service)).c_str());
  std::fflush(stdout);
  // gRPC's threads need not be waited for.
  std::_Exit(outcome.ok() && status == 1U ? 0 : 1);
}
