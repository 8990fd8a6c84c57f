// SPDX-License-Identifier: Apache-2.0
#include "keeper/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace curfew::keeper {
namespace {

using nlohmann::json;
using process::FileDescriptor;
using namespace std::chrono_literals;

// Far enough that only a hang reaches it.
Deadline Ceiling() {
  return std::chrono::steady_clock::now() + 20s;
}
Deadline Now() {
  return std::chrono::steady_clock::now();
}

std::string Frame(const json& body) {
  std::string bytes(4, '\0');
  json::to_cbor(body, bytes);
  const auto length = static_cast<std::uint32_t>(bytes.size() - 4);
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes;
}

// A channel whose other end is a bare socket, to write to it what no channel would.
class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    channel_ = Channel(FileDescriptor(ends[0]));
    peer_.Reset(ends[1]);
  }
  void Write(std::string_view bytes) const {
    ASSERT_EQ(::write(peer_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  Channel channel_;
  FileDescriptor peer_;
};

TEST_F(ChannelTest, TakesAMessageThatComesByteByByte) {
  const auto frame = Frame({{"op", "hello"}, {"bytes", "\xff\xfe"}});
  for (const char byte : frame) {
    EXPECT_FALSE(channel_.TryReceive());
    Write({&byte, 1});
  }
  const auto message = channel_.TryReceive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->body, (json{{"op", "hello"}, {"bytes", "\xff\xfe"}}));
  EXPECT_FALSE(message->descriptor.valid());
  EXPECT_TRUE(channel_.open());
}

TEST_F(ChannelTest, SeveralMessagesOfOneReadComeInOrder) {
  Write(Frame(1) + Frame(2) + Frame(3).substr(0, 4));
  EXPECT_EQ(channel_.TryReceive()->body, 1);
  EXPECT_EQ(channel_.TryReceive()->body, 2);
  EXPECT_FALSE(channel_.TryReceive());
  Write(Frame(3).substr(4));
  EXPECT_EQ(channel_.Receive(Ceiling())->body, 3);
}

TEST_F(ChannelTest, WhatWasSentBeforeThePeerWentIsStillReceived) {
  Write(Frame(1) + Frame(2));
  peer_.Reset();
  EXPECT_EQ(channel_.Receive(Ceiling())->body, 1);
  EXPECT_EQ(channel_.Receive(Ceiling())->body, 2);
  EXPECT_EQ(channel_.Receive(Ceiling()).failure().error, EPIPE);
  EXPECT_FALSE(channel_.open());
}

TEST_F(ChannelTest, APeerGoneInMidMessageIsEpipeAndNoMessage) {
  const auto frame = Frame({{"op", "hello"}});
  Write(std::string_view(frame).substr(0, frame.size() - 1));
  peer_.Reset();
  EXPECT_EQ(channel_.Receive(Ceiling()).failure().error, EPIPE);
  EXPECT_FALSE(channel_.TryReceive());
  EXPECT_FALSE(channel_.open());
}

TEST_F(ChannelTest, SilenceIsEtimedoutAndTheChannelStaysOpen) {
  EXPECT_EQ(channel_.Receive(Now() + 1ms).failure().error, ETIMEDOUT);
  EXPECT_EQ(channel_.Receive(Now() - 1s).failure().error, ETIMEDOUT);
  Write(Frame(1));
  EXPECT_EQ(channel_.Receive(Ceiling())->body, 1);
}

TEST_F(ChannelTest, AMessageThatIsThereBeatsADeadlineThatHasPassed) {
  Write(Frame(1));
  EXPECT_EQ(channel_.Receive(Now() - 1s)->body, 1);
}

TEST_F(ChannelTest, ALengthOutOfReasonClosesIt) {
  Write("\xff\xff\xff\xff");
  EXPECT_EQ(channel_.Receive(Ceiling()).failure().error, EPIPE);
  EXPECT_FALSE(channel_.open());
  EXPECT_EQ(channel_.Send(1, Ceiling()).failure().error, EPIPE);
}

TEST_F(ChannelTest, GarbageClosesItAndNothingBehindItIsBelieved) {
  const std::string_view garbage[] = {"", "\xff", "\x01\x01", "\xa1\x61", "\x5f", "\x81"};
  for (const auto bytes : garbage) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Channel channel{FileDescriptor(ends[0])};
    peer_.Reset(ends[1]);
    std::string frame(4, '\0');
    frame[0] = static_cast<char>(bytes.size());
    Write(frame + std::string(bytes) + Frame(1));
    EXPECT_EQ(channel.Receive(Ceiling()).failure().error, EPIPE) << ::testing::PrintToString(bytes);
    EXPECT_FALSE(channel.open());
    EXPECT_FALSE(channel.TryReceive()) << "taken from behind garbage";
  }
}

TEST_F(ChannelTest, SendingToNobodyIsEpipeAndNoSignal) {
  peer_.Reset();
  EXPECT_EQ(channel_.Send(1, Ceiling()).failure().error, EPIPE);
}

TEST_F(ChannelTest, APeerThatDoesNotReadIsEtimedout) {
  EXPECT_EQ(channel_.Send(std::string(8U << 20U, 'x'), Now() + 20ms).failure().error, ETIMEDOUT);
}

// What would come behind half a message would be taken for the rest of it.
TEST_F(ChannelTest, NothingIsSentBehindHalfAMessage) {
  Channel reader(FileDescriptor(::fcntl(peer_.get(), F_DUPFD_CLOEXEC, 0)));
  peer_.Reset();
  ASSERT_EQ(channel_.Send(std::string(8U << 20U, 'x'), Now() + 20ms).failure().error, ETIMEDOUT);
  EXPECT_FALSE(channel_.open());
  EXPECT_EQ(channel_.Send(1, Ceiling()).failure().error, EPIPE);
  EXPECT_EQ(reader.Receive(Ceiling()).failure().error, EPIPE) << "the peer is told, too";
}

TEST_F(ChannelTest, AMessageThatCouldNotBeBegunLeavesItOpen) {
  const std::string filler(1U << 10U, 'x');
  while (::send(channel_.fd(), filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
    // Until the socket takes no more.
  }
  while (::send(channel_.fd(), filler.data(), 1, MSG_DONTWAIT) > 0) {
    // To the last byte.
  }
  EXPECT_EQ(channel_.Send(1, Now() + 1ms).failure().error, ETIMEDOUT);
  EXPECT_TRUE(channel_.open());
}

// --- two channels

class PairTest : public ::testing::Test {
 protected:
  PairTest() {
    auto pair = Channel::Pair();
    if (!pair.ok()) std::abort();
    left_ = std::move(pair->first);
    right_ = std::move(pair->second);
  }

  Channel left_;
  Channel right_;
};

TEST_F(PairTest, BothEndsAreCloseOnExecAndDoNotBlock) {
  for (const auto* end : {&left_, &right_}) {
    EXPECT_EQ(::fcntl(end->fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_NE(::fcntl(end->fd(), F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST_F(PairTest, ThreeMebibytesArriveWhole) {
  json body = {{"argv", json::array()}};
  for (int i = 0; i < 3; ++i) body["argv"].push_back(std::string(1U << 20U, static_cast<char>(0xF0 + i)));
  std::thread sender([&] { EXPECT_TRUE(left_.Send(body, Ceiling()).ok()); });
  auto message = right_.Receive(Ceiling());
  sender.join();
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(message->body == body);  // not EXPECT_EQ, which would print them
}

TEST_F(PairTest, ADescriptorArrivesWithItsMessageAndIsTheSameFile) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const FileDescriptor read_end(pipe[0]);
  const FileDescriptor write_end(pipe[1]);
  ASSERT_TRUE(left_.Send({{"op", "first"}}, Ceiling()).ok());
  ASSERT_TRUE(left_.Send({{"op", "second"}}, Ceiling(), write_end.get()).ok());
  ASSERT_TRUE(left_.Send({{"op", "third"}}, Ceiling()).ok());

  EXPECT_FALSE(right_.Receive(Ceiling())->descriptor.valid());
  auto second = right_.Receive(Ceiling());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->body.at("op"), "second");
  EXPECT_FALSE(right_.Receive(Ceiling())->descriptor.valid());

  EXPECT_EQ(::fcntl(second->descriptor.get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(second->descriptor.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
}

TEST_F(PairTest, ADescriptorRidesOnABigMessage) {
  std::thread sender([&] {
    EXPECT_TRUE(left_.Send({{"big", std::string(3U << 20U, 'x')}}, Ceiling(), STDIN_FILENO).ok());
    EXPECT_TRUE(left_.Send({{"small", 1}}, Ceiling()).ok());
  });
  auto big = right_.Receive(Ceiling());
  auto small = right_.Receive(Ceiling());
  sender.join();
  ASSERT_TRUE(big.ok() && small.ok());
  EXPECT_TRUE(big->descriptor.valid());
  EXPECT_FALSE(small->descriptor.valid());
}

TEST_F(PairTest, DescriptorsOfTwoMessagesInARowAreNotMixedUp) {
  const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(left_.Send({{"op", "null"}}, Ceiling(), null.get()).ok());
  ASSERT_TRUE(left_.Send({{"op", "zero"}}, Ceiling(), zero.get()).ok());
  for (const int sent : {null.get(), zero.get()}) {
    auto message = right_.Receive(Ceiling());
    struct stat expected {};
    struct stat got {};
    ASSERT_EQ(::fstat(sent, &expected), 0);
    ASSERT_EQ(::fstat(message->descriptor.get(), &got), 0);
    EXPECT_EQ(got.st_rdev, expected.st_rdev);
  }
}

TEST_F(PairTest, AClosedEndIsNoticedByBoth) {
  left_.Close();
  EXPECT_FALSE(left_.open());
  EXPECT_FALSE(left_.TryReceive());
  EXPECT_EQ(left_.Send(1, Ceiling()).failure().error, EPIPE);
  EXPECT_FALSE(right_.TryReceive());
  EXPECT_FALSE(right_.open());
}

TEST(ChannelDefaultTest, IsClosed) {
  Channel channel;
  EXPECT_FALSE(channel.open());
  EXPECT_FALSE(channel.TryReceive());
  EXPECT_EQ(channel.Send(1, Ceiling()).failure().error, EPIPE);
}

}  // namespace
}  // namespace curfew::keeper
