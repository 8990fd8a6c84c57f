// SPDX-License-Identifier: Apache-2.0
#include "readiness/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "readiness/holder.h"
#include "readiness/namespace_table.h"
#include "readiness/sock_diag.h"
#include "sockets.h"
#include "temp_proc.h"

namespace curfew::readiness {
namespace {

using curfew::testing::InodeOf;
using curfew::testing::Listen;
using curfew::testing::PortOf;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// The same questions to both tables: whatever one says the other has to say too.
enum class Table { kSockDiag, kProc };

class ListenerTableTest : public ::testing::TestWithParam<Table> {
 protected:
  void SetUp() override {
    if (GetParam() == Table::kSockDiag) {
      const process::Result<SockDiag> diag = SockDiag::Open();
      if (!diag.ok()) GTEST_SKIP() << "failed to " << diag.failure().ToString();
      table_ = MakeListenerTable(proc_);
    } else {
      table_ = MakeProcListenerTable(proc_);
    }
  }
  [[nodiscard]] std::vector<ListeningSocket> On(std::uint16_t port) {
    auto sockets = table_->On(port);
    if (!sockets.ok()) ADD_FAILURE() << "failed to " << sockets.failure().ToString();
    return sockets.ok() ? sockets.value() : std::vector<ListeningSocket>();
  }
  static auto Is(const FileDescriptor& socket, const std::string& address) {
    return AllOf(Field("inode", &ListeningSocket::inode, InodeOf(socket)),
                 Field("uid", &ListeningSocket::uid, ::geteuid()),
                 Field("address", &ListeningSocket::address, address),
                 Field("port", &ListeningSocket::port, PortOf(socket)));
  }

  procfs::Proc proc_;
  std::unique_ptr<ListenerTable> table_;
};

INSTANTIATE_TEST_SUITE_P(Both, ListenerTableTest, ::testing::Values(Table::kSockDiag, Table::kProc),
                         [](const auto& table) {
                           return table.param == Table::kSockDiag ? "SockDiag" : "Proc";
                         });

TEST_P(ListenerTableTest, FindsListenersWhereverLoopbackReachesThem) {
  for (const char* host : {"127.0.0.1", "0.0.0.0"}) {
    const FileDescriptor socket = Listen(host);
    EXPECT_THAT(On(PortOf(socket)), ElementsAre(Is(socket, host)));
  }
}

TEST_P(ListenerTableTest, FindsIpv6Listeners) {
  if (!curfew::testing::HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const char* host : {"::1", "::", "::ffff:127.0.0.1"}) {
    const FileDescriptor socket = Listen(host);
    EXPECT_THAT(On(PortOf(socket)), ElementsAre(Is(socket, host)));
  }
  const FileDescriptor only = Listen("::", {.ipv6_only = true});
  EXPECT_THAT(On(PortOf(only)), ElementsAre(Is(only, "::")));
}

TEST_P(ListenerTableTest, FindsBothOfAPair) {
  if (!curfew::testing::HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  const FileDescriptor v6 = Listen("::1");
  const FileDescriptor v4 = Listen("127.0.0.1", {.port = PortOf(v6)});
  EXPECT_THAT(On(PortOf(v6)), UnorderedElementsAre(Is(v4, "127.0.0.1"), Is(v6, "::1")));
}

TEST_P(ListenerTableTest, FindsEveryMemberOfAGroup) {
  // The exact question is answered with one member, and a connection may get another.
  const FileDescriptor first = Listen("127.0.0.1", {.reuse_port = true});
  const FileDescriptor second = Listen("127.0.0.1", {.port = PortOf(first), .reuse_port = true});
  EXPECT_THAT(On(PortOf(first)), UnorderedElementsAre(Is(first, "127.0.0.1"), Is(second, "127.0.0.1")));
}

TEST_P(ListenerTableTest, DoesNotShowWhatLoopbackDoesNotReach) {
  const FileDescriptor elsewhere = Listen("127.0.0.9");
  EXPECT_THAT(On(PortOf(elsewhere)), IsEmpty());
}

TEST_P(ListenerTableTest, ConnectionsAreNoListeners) {
  FileDescriptor listener = Listen("127.0.0.1");
  const std::uint16_t port = PortOf(listener);
  const FileDescriptor client = curfew::testing::ConnectTo(port);
  const FileDescriptor accepted = curfew::testing::Accept(listener);
  EXPECT_THAT(On(port), ElementsAre(Is(listener, "127.0.0.1")));
  listener.Reset();
  EXPECT_THAT(On(port), IsEmpty()) << "the accepted connection has the same local port";
  EXPECT_THAT(On(PortOf(client)), IsEmpty());
}

TEST_P(ListenerTableTest, NobodyListensOnAPortThatIsOnlyHeld) {
  const FileDescriptor listener = Listen("127.0.0.1");
  EXPECT_EQ(::shutdown(listener.get(), SHUT_RD), 0);  // Linux: back from listening to merely bound
  EXPECT_THAT(On(PortOf(listener)), IsEmpty());
}

// A listen(2) is told of before it takes effect: what is known by then shortens the answer and does not change it.
TEST_P(ListenerTableTest, AnnouncedListenersAreFoundEachOnItsOwnPort) {
  const FileDescriptor first = Listen("127.0.0.1");
  FileDescriptor second;
  const std::uint16_t number = PortOf(Listen("127.0.0.1"));  // free again
  table_->ListenComes(PortOf(first));
  table_->ListenComes(number);
  second = Listen("127.0.0.1", {.port = number});
  for (const FileDescriptor* const socket : std::initializer_list<const FileDescriptor*>{&first, &second}) {
    const auto found = table_->On(PortOf(*socket));
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found.value().size(), 1U);
    EXPECT_EQ(found.value().front().inode, curfew::testing::InodeOf(*socket));
  }
}

TEST_P(ListenerTableTest, WhoIsThereBeforeAnAnnouncedListenerIsShownBesideIt) {
  const FileDescriptor stranger = Listen("127.0.0.1", {.reuse_port = true});
  table_->ListenComes(PortOf(stranger));
  EXPECT_EQ(table_->On(PortOf(stranger)).value().size(), 1U);
  const FileDescriptor server = Listen("127.0.0.1", {.port = PortOf(stranger), .reuse_port = true});
  EXPECT_EQ(table_->On(PortOf(stranger)).value().size(), 2U);
}

TEST(SockDiagTest, AnswersManyQuestionsInARowOverOneDescriptor) {
  process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) GTEST_SKIP() << "failed to " << diag.failure().ToString();
  const FileDescriptor listener = Listen("127.0.0.1");
  for (int i = 0; i < 100; ++i) {
    const auto found = diag->Exact(AF_INET, PortOf(listener));
    ASSERT_TRUE(found.ok()) << found.failure().ToString();
    ASSERT_TRUE(found.value());
    ASSERT_EQ(found.value()->inode, InodeOf(listener));
    const auto nobody = diag->Exact(AF_INET, 1);
    ASSERT_TRUE(nobody.ok() && !nobody.value());
    const auto all = diag->All(AF_INET, PortOf(listener));
    ASSERT_TRUE(all.ok());
    ASSERT_EQ(all.value().size(), 1U);
  }
}

TEST(ListeningSocketTest, IsWrittenAsPeopleWriteAddresses) {
  EXPECT_EQ((ListeningSocket{.address = "127.0.0.1", .port = 80}).ToString(), "127.0.0.1:80");
  EXPECT_EQ((ListeningSocket{.address = "::1", .port = 80}).ToString(), "[::1]:80");
}

TEST(ProcListenerTableTest, MissingTableIsNobody) {
  const curfew::testing::TempProc root;
  const procfs::Proc proc(root.root());
  const auto sockets = MakeProcListenerTable(proc)->On(80);
  ASSERT_TRUE(sockets.ok());
  EXPECT_THAT(sockets.value(), IsEmpty());
}

TEST_P(ListenerTableTest, FindsWhatIsBoundToTheLoopbackDevice) {
  const FileDescriptor socket = Listen("127.0.0.1", {.device = "lo"});
  EXPECT_THAT(On(PortOf(socket)), UnorderedElementsAre(Is(socket, "127.0.0.1")));
}

TEST(DiagTableTest, KnowsWhatIpv4DoesNotReach) {
  if (!curfew::testing::HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) GTEST_SKIP() << "failed to " << diag.failure().ToString();
  const auto table = MakeDiagTable(std::move(*diag));
  const auto reached = [&table](const FileDescriptor& socket) {
    const auto found = table->On(PortOf(socket));
    EXPECT_TRUE(found.ok());
    EXPECT_EQ(found.value().size(), 1U);
    return found.value().front().ReachedByIpv4();
  };
  EXPECT_FALSE(reached(Listen("::", {.ipv6_only = true})));
  EXPECT_TRUE(reached(Listen("::")));
  EXPECT_FALSE(reached(Listen("::1")));
  EXPECT_TRUE(reached(Listen("127.0.0.1")));
}

// Bound to a port, and nothing more.
struct Bound {
  explicit Bound(int type) : socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    port = PortOf(socket);
    inode = InodeOf(socket);
  }
  FileDescriptor socket;
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
};

TEST(SockDiagTest, UsersOfAPortAreThoseOfThatPortAndProtocol) {
  process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) GTEST_SKIP() << "failed to " << diag.failure().ToString();
  const Bound first(SOCK_STREAM);
  const Bound second(SOCK_STREAM);
  const Bound datagrams(SOCK_DGRAM);
  const auto users = [&diag](std::uint16_t port, int protocol) {
    std::vector<std::uint64_t> inodes;
    const auto found = diag->Users(AF_INET, port, protocol);
    EXPECT_TRUE(found.ok());
    for (const ListeningSocket& socket : found.value()) inodes.push_back(socket.inode);
    return inodes;
  };
  EXPECT_THAT(users(datagrams.port, IPPROTO_UDP), ElementsAre(datagrams.inode));
  EXPECT_THAT(users(first.port, IPPROTO_TCP), ::testing::Not(::testing::Contains(second.inode)));
  EXPECT_THAT(users(datagrams.port, IPPROTO_TCP), ::testing::Not(::testing::Contains(first.inode)));
}

// The name of a device that is not loopback's, or "".
std::string FindAnotherDevice() {
  struct if_nameindex* const devices = ::if_nameindex();
  std::string name;
  for (auto* device = devices; device != nullptr && device->if_index != 0; ++device) {
    if (device->if_index != 1) name = device->if_name;
  }
  if (devices != nullptr) ::if_freenameindex(devices);
  return name;
}

TEST(DescribePortHolderTest, WhoIsBoundToAnotherDeviceIsInTheWayAllTheSame) {
  const process::Result<SockDiag> diag = SockDiag::Open();
  if (!diag.ok()) GTEST_SKIP() << "failed to " << diag.failure().ToString();
  const std::string device = FindAnotherDevice();
  if (device.empty()) GTEST_SKIP() << "there is no device but loopback's";
  const FileDescriptor holder(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(device.size());
  if (::setsockopt(holder.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(), size) != 0) {
    GTEST_SKIP() << "may not bind to " << device;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  address.sin_port = htons(PortOf(holder));
  const FileDescriptor second(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_NE(::bind(second.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(DescribePortHolder(procfs::Proc(), {.number = PortOf(holder), .udp = true}),
              ::testing::HasSubstr("is bound by pid " + std::to_string(::getpid())));
}

// A leader that has gone into a network namespace of its own and listens on port 80 there.
class FollowingTableTest : public ::testing::Test {
 protected:
  class Elsewhere : public TreeView {
   public:
    [[nodiscard]] pid_t Leader() const override { return 4711; }
    [[nodiscard]] bool LeaderLives() const override { return lives; }
    [[nodiscard]] std::vector<pid_t> Pids() const override { return {}; }
    bool lives = true;
  };

  FollowingTableTest() {
    root_.Link("4711/ns/net", "net:[1]");
    root_.Link(std::to_string(::getpid()) + "/ns/net", "net:[2]");
    root_.Write("4711/net/tcp",
                "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12 1 0\n");
  }

  const curfew::testing::TempProc root_;
  const procfs::Proc proc_{root_.root()};
  const std::unique_ptr<ListenerTable> own_ = MakeProcListenerTable(proc_);
  Elsewhere leader_;
  const std::unique_ptr<ListenerTable> table_ = MakeFollowingTable(proc_, *own_, leader_);
};

TEST_F(FollowingTableTest, WhatNobodyListensOnInsideAnyMoreIsNotShownAgain) {
  EXPECT_EQ(table_->On(80).value().size(), 1U);
  root_.Write("4711/net/tcp", "");
  EXPECT_THAT(table_->On(80).value(), IsEmpty());
}

TEST_F(FollowingTableTest, WhoHasTheNumberOfALeaderThatIsGoneIsAStranger) {
  leader_.lives = false;
  EXPECT_THAT(table_->On(80).value(), IsEmpty());
}

}  // namespace
}  // namespace curfew::readiness
