// SPDX-License-Identifier: Apache-2.0
// churn SERVERS: starts and stops as many servers, one after another, and looks whether each is its own. Prints how
// often a port was taken. Ends with 0 if none failed.
//
// churn thief SECONDS: takes ports of the range at random, a few milliseconds each, as servers take theirs.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include <curfew/harness.h>

#include "process/file_descriptor.h"
#include "server/run.h"

namespace {

int Churn(int servers) {
  std::size_t retries = 0;
  for (int i = 0; i < servers; ++i) {
    try {
      auto server = curfew::Server::Start(
          {.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"}, .port_attempts = 50});
      retries += server.start_notes().size();
      if (const auto why = server.WhyNotReady(); !why.empty()) {
        std::fprintf(stderr, "server %d: %s\n", i, why.c_str());
        return 1;
      }
    } catch (const curfew::StartError& error) {
      std::fprintf(stderr, "server %d: %s\n", i, error.what());
      return 1;
    }
  }
  std::printf("%d servers, %zu ports were taken\n", servers, retries);
  curfew::Run::Current().End();
  return 0;
}

int Steal(int seconds) {
  int first = 0;
  int last = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> numbers(first, last);
  int taken = 0;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
       std::chrono::steady_clock::now() < end;) {
    const curfew::process::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(numbers(random)));
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(socket.get(), 1) == 0)
      ++taken;
    ::usleep(3000);
  }
  std::printf("stole %d\n", taken);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "thief") return Steal(std::atoi(argv[2]));
  return argc == 2 ? Churn(std::atoi(argv[1])) : 2;
}
