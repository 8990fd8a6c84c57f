// SPDX-License-Identifier: Apache-2.0
#include "readiness/discover_first.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "probe_test_fixture.h"
#include "readiness/notify_socket.h"
#include "sockets.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Listen;
using curfew::testing::PortOf;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The server is this process, and listens on nothing but what a test opens.
class DiscoverFirstTest : public ProbeTest {
 protected:
  std::unique_ptr<DiscoverFirst> MakeDiscovering(const Port& port = Port::Discover()) {
    return std::make_unique<DiscoverFirst>(
        std::make_unique<DiscoverProbe>(std::map<std::string, Port>{{"", port}}, std::set<std::uint16_t>{}, subject_),
        [this](const DiscoverFirst::Numbers& numbers) {
          made_for_.push_back(numbers.at(""));
          PortIs(numbers.at(""));
          return Make(Ready::All({Ready::Tcp(), Ready::File("done")}));
        },
        subject_);
  }
  std::vector<std::uint16_t> made_for_;
};

TEST_F(DiscoverFirstTest, PortThatIsClosedAgainIsNotTheOneThatIsMeant) {
  const auto probe = MakeDiscovering();
  EXPECT_THAT(probe->Look(kNow).saw, HasSubstr("listens on none that a connection to 127.0.0.1 reaches"));
  FileDescriptor temporary = Listen("127.0.0.1");
  EXPECT_FALSE(probe->Look(kNow + 1ms).satisfied);
  const FileDescriptor real = Listen("127.0.0.1");
  temporary.Reset();
  dir_.Append("done", "1\n");
  EXPECT_TRUE(probe->Look(kNow + 2ms).satisfied);
  EXPECT_EQ(made_for_.back(), PortOf(real));
}

TEST_F(DiscoverFirstTest, FirstStaysTheFirstThoughAnotherComes) {
  const auto probe = MakeDiscovering();
  FileDescriptor low = Listen("127.0.0.1");
  const FileDescriptor first = Listen("127.0.0.1");
  low.Reset();
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  const FileDescriptor second = Listen("127.0.0.1");
  ASSERT_LT(second.get(), first.get()) << "it has a lower descriptor";
  dir_.Append("done", "1\n");
  EXPECT_TRUE(probe->Look(kNow + 1s).satisfied);
  EXPECT_THAT(made_for_, ElementsAre(PortOf(first)));
}

TEST_F(DiscoverFirstTest, FunctionThatThrowsIsShown) {
  const FileDescriptor listener = Listen("127.0.0.1");
  const auto probe =
      MakeDiscovering(Port::Discover([](const Listening&) -> bool { throw std::runtime_error("no idea"); }));
  const Observation seen = probe->Look(kNow);
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("is not there yet"), HasSubstr("threw \"no idea\"")));
}

TEST_F(DiscoverFirstTest, WhatIsNotifiedMeanwhileIsTakenIn) {
  auto bound = NotifySocket::Bind({dir_.path() / "notify"});
  ASSERT_TRUE(bound.ok()) << bound.failure().ToString();
  subject_.notify_socket = bound->get();
  const auto probe = MakeDiscovering();
  const FileDescriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (*bound)->address().copy(address.sun_path, sizeof address.sun_path - 1);
  const std::string text = "STATUS=loading";
  for (int i = 0; i < 100; ++i) {  // unix(7): a queue holds about ten
    ASSERT_EQ(::sendto(sender.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                       sizeof address),
              static_cast<ssize_t>(text.size()))
        << "message " << i;
    EXPECT_FALSE(probe->Look(kNow).satisfied);
  }
  std::vector<pollfd> descriptors;
  probe->AddDescriptors(descriptors);
  EXPECT_THAT(descriptors, ::testing::SizeIs(1));
  std::vector<Observation> seen;
  probe->AppendSeen(seen);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_THAT(seen.back().saw, HasSubstr("STATUS=\"loading\""));
}

}  // namespace
}  // namespace curfew::readiness
