// SPDX-License-Identifier: Apache-2.0
#include "ports/port_reservation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/address_reservation.h"
#include "process/file_descriptor.h"

namespace curfew::ports {
namespace {

using process::FileDescriptor;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address MakeAddress(const std::string& host, std::uint16_t port) {
  Address address;
  if (host.find(':') != std::string::npos) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr);
    address.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr);
    address.size = sizeof v4;
  }
  return address;
}

// What a server does: 0, or the errno of bind or listen.
int BindAndListen(const std::string& host, std::uint16_t port, const std::vector<int>& options,
                  FileDescriptor& server) {
  const Address address = MakeAddress(host, port);
  server.Reset(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  for (const int option : options) ::setsockopt(server.get(), SOL_SOCKET, option, &one, sizeof one);
  if (::bind(server.get(), address.get(), address.size) != 0) return errno;
  return ::listen(server.get(), 16) == 0 ? 0 : errno;
}

bool HasIpv6() {
  FileDescriptor socket;
  return BindAndListen("::1", 0, {}, socket) == 0;
}

PortReservation Reserve() {
  process::Result<PortReservation> reserved = PortReservation::Any();
  if (!reserved.ok()) throw std::runtime_error("failed to " + reserved.failure().ToString());
  return std::move(*reserved);
}

// The ways real servers bind: redis and nginx set SO_REUSEADDR, gRPC SO_REUSEPORT, nginx "reuseport" both.
class ServerOnReservedPort : public ::testing::TestWithParam<std::tuple<std::string, std::vector<int>>> {};

TEST_P(ServerOnReservedPort, BindsListensAndIsReached) {
  const auto& [host, options] = GetParam();
  const bool v6 = host.find(':') != std::string::npos;
  if (v6 && !HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  const PortReservation reserved = Reserve();

  FileDescriptor server;
  ASSERT_EQ(BindAndListen(host, reserved.port(), options, server), 0);
  // Many, since a socket that held the number *and* listened would get its share of them.
  for (int i = 0; i < 20; ++i) {
    const Address address = MakeAddress(v6 ? "::1" : "127.0.0.1", reserved.port());
    const FileDescriptor client(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), address.get(), address.size), 0) << errno;
    const FileDescriptor accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_TRUE(accepted.valid());
  }
  // And once more, as after a crash, over connections in TIME_WAIT.
  server.Reset();
  EXPECT_EQ(BindAndListen(host, reserved.port(), options, server), 0);
}

INSTANTIATE_TEST_SUITE_P(EveryAddressAndOption, ServerOnReservedPort,
                         ::testing::Combine(::testing::Values("127.0.0.1", "0.0.0.0", "::1", "::"),
                                            ::testing::Values(std::vector<int>{SO_REUSEADDR},
                                                              std::vector<int>{SO_REUSEPORT},
                                                              std::vector<int>{SO_REUSEADDR, SO_REUSEPORT})));

TEST(PortReservationTest, WorkersWithAListenerEachShareThePort) {
  const PortReservation reserved = Reserve();
  std::vector<FileDescriptor> workers(4);
  for (FileDescriptor& worker : workers) {
    EXPECT_EQ(BindAndListen("0.0.0.0", reserved.port(), {SO_REUSEADDR, SO_REUSEPORT}, worker), 0);
  }
}

TEST(PortReservationTest, StrangersAreRefusedOnEveryAddress) {
  const PortReservation reserved = Reserve();
  FileDescriptor stranger;
  // 127.0.0.9 and ::1 are what a hold on 127.0.0.1 alone would leave to them.
  for (const char* host : {"127.0.0.1", "127.0.0.9", "0.0.0.0"}) {
    EXPECT_EQ(BindAndListen(host, reserved.port(), {}, stranger), EADDRINUSE) << host;
  }
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const char* host : {"::1", "::"}) {
    EXPECT_EQ(BindAndListen(host, reserved.port(), {}, stranger), EADDRINUSE) << host;
  }
}

TEST(PortReservationTest, SecondHarnessIsRefusedAndToldWhy) {
  const PortReservation first = Reserve();
  const process::Result<PortReservation> second = PortReservation::Of(first.port());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.failure().error, EADDRINUSE);
  EXPECT_NE(second.failure().operation.find(std::to_string(first.port())), std::string::npos);
}

TEST(PortReservationTest, HoldsBesideItsOwnServerStill) {
  const PortReservation reserved = Reserve();
  FileDescriptor server;
  ASSERT_EQ(BindAndListen("127.0.0.1", reserved.port(), {SO_REUSEADDR}, server), 0);
  server.Reset();
  FileDescriptor stranger;
  EXPECT_EQ(BindAndListen("127.0.0.1", reserved.port(), {}, stranger), EADDRINUSE);
}

TEST(PortReservationTest, ServerWithoutReuseOptionsIsRefused) {
  // The known limit: such a server needs discovery, or a release just before exec.
  const PortReservation reserved = Reserve();
  FileDescriptor server;
  EXPECT_EQ(BindAndListen("127.0.0.1", reserved.port(), {}, server), EADDRINUSE);
}

TEST(PortReservationTest, NobodyIsServedBeforeTheServerListens) {
  const PortReservation reserved = Reserve();
  const Address address = MakeAddress("127.0.0.1", reserved.port());
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(::connect(client.get(), address.get(), address.size), 0);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST(PortReservationTest, NumbersAreDistinctAndFreeAgainAfterwards) {
  std::uint16_t number = 0;
  {
    std::vector<PortReservation> held;
    std::set<std::uint16_t> numbers;
    for (int i = 0; i < 50; ++i) numbers.insert(held.emplace_back(Reserve()).port());
    EXPECT_EQ(numbers.size(), 50U);
    EXPECT_FALSE(numbers.contains(0));
    number = *numbers.begin();
  }
  const process::Result<PortReservation> again = PortReservation::Of(number);
  EXPECT_TRUE(again.ok()) << again.failure().ToString();
}

// Where there is a device besides the loopback, which the hold can be bound to.
bool HasOtherDevice() {
  ifaddrs* all = nullptr;
  bool found = false;
  if (::getifaddrs(&all) != 0) return false;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) found |= (one->ifa_flags & IFF_LOOPBACK) == 0;
  ::freeifaddrs(all);
  return found;
}

// How many of fifty datagrams reach a server that is bound to this address with these options.
int CountDatagrams(const std::string& host, std::uint16_t port, const std::vector<int>& options) {
  const Address bound = MakeAddress(host, port);
  const FileDescriptor server(::socket(bound.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  for (const int option : options) ::setsockopt(server.get(), SOL_SOCKET, option, &one, sizeof one);
  if (::bind(server.get(), bound.get(), bound.size) != 0) return -1;
  const Address target = MakeAddress("127.0.0.1", port);
  const FileDescriptor client(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  int received = 0;
  for (int i = 0; i < 50; ++i) {
    if (::sendto(client.get(), "x", 1, 0, target.get(), target.size) != 1) return -1;
    char byte = 0;
    if (::recv(server.get(), &byte, 1, 0) == 1) ++received;
  }
  return received;
}

TEST(PortReservationTest, DatagramsReachTheServerAndNotTheHold) {
  process::Result<PortReservation> reserved = PortReservation::Any(Protocol::kUdp);
  ASSERT_TRUE(reserved.ok()) << reserved.failure().ToString();
  EXPECT_FALSE(PortReservation::Of(reserved->port(), Protocol::kUdp).ok());
  const auto count = [&](const std::string& host, const std::vector<int>& options) {
    return CountDatagrams(host, reserved->port(), options);
  };
  EXPECT_EQ(count("127.0.0.1", {SO_REUSEADDR}), 50);
  EXPECT_EQ(count("0.0.0.0", {SO_REUSEADDR}), 50);
  EXPECT_EQ(count("0.0.0.0", {SO_REUSEADDR, SO_REUSEPORT}), 50);
  if (!HasIpv6()) return;
  EXPECT_EQ(count("::", {SO_REUSEADDR}), 50);
  if (HasOtherDevice()) {
    EXPECT_EQ(count("::", {SO_REUSEADDR, SO_REUSEPORT}), 50);
  }
}

TEST(PortReservationTest, OnOneAddressItLeavesTheOthersAlone) {
  const PortReservation everywhere = Reserve();
  process::Result<PortReservation> first = PortReservation::Any(Protocol::kTcp, "127.1.2.3");
  ASSERT_TRUE(first.ok()) << first.failure().ToString();
  EXPECT_TRUE(PortReservation::Of(first->port(), Protocol::kTcp, "127.1.2.4").ok());
  EXPECT_FALSE(PortReservation::Of(first->port(), Protocol::kTcp, "127.1.2.3").ok());
  EXPECT_FALSE(PortReservation::Of(everywhere.port(), Protocol::kTcp, "127.1.2.3").ok());
}

TEST(AddressReservationTest, IsGivenOnceAndFreeAgainAfterwards) {
  std::string address;
  {
    process::Result<AddressReservation> reserved = AddressReservation::Any();
    ASSERT_TRUE(reserved.ok()) << reserved.failure().ToString();
    address = reserved->address();
    EXPECT_EQ(address.substr(0, 4), "127.");
    const process::Result<AddressReservation> again = AddressReservation::Of(address);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.failure().error, EADDRINUSE);
    // It is an address of this machine.
    EXPECT_TRUE(PortReservation::Any(Protocol::kTcp, address).ok());
  }
  EXPECT_TRUE(AddressReservation::Of(address).ok());
}

TEST(PortReservationTest, MovesAndIsHeldOnce) {
  PortReservation first = Reserve();
  const std::uint16_t port = first.port();
  auto second = std::make_unique<PortReservation>(std::move(first));
  EXPECT_EQ(second->port(), port);
  EXPECT_FALSE(PortReservation::Of(port).ok());
  *second = Reserve();
  EXPECT_TRUE(PortReservation::Of(port).ok()) << "the number that was replaced is free";
}

TEST(PortReservationTest, PrivilegedNumberOfAnotherUserIsAnErrno) {
  FileDescriptor taken;
  if (BindAndListen("127.0.0.1", 1, {}, taken) != 0) {
    const process::Result<PortReservation> reserved = PortReservation::Of(1);
    ASSERT_FALSE(reserved.ok());
    EXPECT_TRUE(reserved.failure().error == EACCES || reserved.failure().error == EADDRINUSE);
  } else {
    GTEST_SKIP() << "this user may bind privileged ports";
  }
}

}  // namespace
}  // namespace curfew::ports
