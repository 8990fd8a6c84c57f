// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "child.h"
#include "mocks.h"
#include "readiness/notify_pipe.h"
#include "readiness/notify_probes.h"
#include "readiness/notify_socket.h"
#include "sockets.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Child;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr Deadline kNow{1000s};

// Sends as sd_notify does, from this process. 0 or the errno.
int Tell(const std::string& where, const std::string& text, int descriptor = -1) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  where.copy(address.sun_path, sizeof address.sun_path - 1);
  const bool abstract = where.starts_with('@');
  if (abstract) address.sun_path[0] = '\0';
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.size() + (abstract ? 0 : 1));
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> rights{};
  if (descriptor >= 0) {
    message.msg_control = rights.data();
    message.msg_controllen = rights.size();
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

class NotifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bound = NotifySocket::Bind({dir_.path() / "notify"});
    ASSERT_TRUE(bound.ok()) << bound.failure().ToString();
    socket_ = std::move(*bound);
    subject_.notify_socket = socket_.get();
  }
  Observation LookAfter(const std::string& text) {
    EXPECT_EQ(Tell(socket_->address(), text), 0);
    return Look();
  }
  Observation Look() { return NotifyProbe(subject_).Look(kNow); }

  curfew::testing::TempDir dir_;
  procfs::Proc proc_;
  curfew::testing::TreeOf self_;
  std::unique_ptr<NotifySocket> socket_;
  Subject subject_{.address = {.host = "127.0.0.1", .ports = {}, .dir = dir_.path()},
                   .log = {},
                   .tree = &self_,
                   .proc = &proc_};
};

TEST_F(NotifyTest, ReadyOfTheTreeWillDo) {
  EXPECT_EQ(Look().saw, "notify: no READY=1 yet");
  EXPECT_FALSE(LookAfter("READY=0").satisfied);
  EXPECT_FALSE(LookAfter("X=READY=1\nALREADY=1").satisfied);
  EXPECT_TRUE(LookAfter("STATUS=serving\nREADY=1\nMAINPID=42").satisfied);
  EXPECT_THAT(Look().saw, AllOf(HasSubstr("STATUS=\"serving\""), HasSubstr("MAINPID=42")));
}

TEST_F(NotifyTest, LineThatDidNotFitIsNotBelieved) {
  constexpr std::size_t kRoom = 8192;
  const std::string end = "\nREADY=1";
  std::string long_one = "STATUS=";
  long_one.resize(kRoom - end.size(), 'x');
  EXPECT_FALSE(LookAfter(long_one + end + "0").satisfied) << "READY=10 is not READY=1";
  EXPECT_TRUE(LookAfter("READY=1\nSTATUS=" + std::string(kRoom, 'x')).satisfied);
}

TEST_F(NotifyTest, StoppingTakesReadyBack) {
  EXPECT_TRUE(LookAfter("READY=1").satisfied);
  const Observation seen = LookAfter("STOPPING=1\nERRNO=98\nEXIT_STATUS=3");
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("on its way down"), HasSubstr("EADDRINUSE"), HasSubstr("EXIT_STATUS=3")));
}

TEST_F(NotifyTest, StrangerIsRefusedAndNamed) {
  const Child server;
  const curfew::testing::TreeOf tree(server.pid());
  subject_.tree = &tree;
  const Observation seen = LookAfter("READY=1\nSTATUS=lies");
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("1 message refused"), HasSubstr("pid " + std::to_string(::getpid()))));
  EXPECT_EQ(seen.saw.find("lies"), std::string::npos);
}

TEST_F(NotifyTest, SenderThatIsGoneIsRefused) {
  Child stranger([this] { return Tell(socket_->address(), "READY=1"); });
  ASSERT_EQ(stranger.Collect(), 0);
  const Observation seen = Look();
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("had ended before anybody could see whose it was"));
}

TEST_F(NotifyTest, SenderThatItsParentInTheTreeHasStillToCollectIsBelieved) {
  Child helper([this] { return Tell(socket_->address(), "READY=1"); });
  helper.WaitUntilZombie();
  EXPECT_TRUE(Look().satisfied);
}

TEST_F(NotifyTest, StatusIsShownWithoutWhatCouldDisturb) {
  EXPECT_THAT(LookAfter("STATUS=a\x1B[31m" + std::string(2000, 'x')).saw,
              AllOf(HasSubstr("a\\x1B[31m"), HasSubstr("...")));
}

TEST_F(NotifyTest, ExtensionCountsFromTheMessageAndIsBounded) {
  EXPECT_EQ(socket_->news().extended, std::nullopt);
  static_cast<void>(LookAfter("EXTEND_TIMEOUT_USEC=5000000"));
  EXPECT_EQ(socket_->news().extended, kNow + 5s);
  static_cast<void>(LookAfter("EXTEND_TIMEOUT_USEC=18446744073709551615"));
  EXPECT_EQ(socket_->news().extended, kNow + 24h);
  static_cast<void>(LookAfter("EXTEND_TIMEOUT_USEC=-1"));
  EXPECT_EQ(socket_->news().extended, kNow + 24h) << "nonsense changes nothing";
}

TEST_F(NotifyTest, BarrierIsAnsweredByClosingItsDescriptor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);
  ASSERT_EQ(Tell(socket_->address(), "BARRIER=1", theirs.get()), 0);
  theirs.Reset();
  pollfd hung_up{.fd = ours.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&hung_up, 1, 0), 0);
  static_cast<void>(Look());
  EXPECT_EQ(::poll(&hung_up, 1, 0), 1);
}

TEST_F(NotifyTest, FloodNeitherBlocksTheLookNorGrows) {
  for (int i = 0; i < 1'000; ++i) {
    if (Tell(socket_->address(), "STATUS=" + std::string(4000, 'x')) == EAGAIN) static_cast<void>(Look());
  }
  EXPECT_LE(socket_->news().status.size(), 500U);
  while (Tell(socket_->address(), "READY=1") == EAGAIN) static_cast<void>(Look());
  Observation seen = Look();
  for (int i = 0; i < 1000 && !seen.satisfied; ++i) seen = Look();
  EXPECT_TRUE(seen.satisfied);
}

TEST_F(NotifyTest, ClosedItRefusesAndKeepsWhatItHeard) {
  static_cast<void>(LookAfter("READY=1"));
  socket_->Close();
  EXPECT_EQ(Tell(socket_->address(), "STATUS=x"), ENOENT);
  EXPECT_TRUE(Look().satisfied);
}

TEST_F(NotifyTest, AbstractNameWillDoWhereThePathIsTooLong) {
  const std::string name = "@curfew-notify-test-" + std::to_string(::getpid());
  auto bound = NotifySocket::Bind({name});
  ASSERT_TRUE(bound.ok());
  subject_.notify_socket = bound->get();
  EXPECT_EQ(Tell(name, "READY=1"), 0);
  EXPECT_TRUE(Look().satisfied);
  EXPECT_EQ(NotifySocket::Bind({name}).failure().error, EADDRINUSE);
  EXPECT_EQ(NotifySocket::Bind({"/" + std::string(107, 'x')}).failure().error, ENAMETOOLONG);
}

TEST(NotifyPipeTest, NewlineIsTheSign) {
  auto made = NotifyPipe::Make();
  ASSERT_TRUE(made.ok());
  NotifyPipe& pipe = **made;
  const Subject subject{.address = {}, .log = {}, .notify_pipe = &pipe};
  NotifyFdProbe probe(subject);
  EXPECT_FALSE(probe.Look(kNow).satisfied);
  ASSERT_EQ(::write(pipe.server_end(), "loading", 7), 7);
  EXPECT_FALSE(probe.Look(kNow).satisfied);
  ASSERT_EQ(::write(pipe.server_end(), "\n", 1), 1);
  EXPECT_TRUE(probe.Look(kNow).satisfied);
}

TEST(NotifyPipeTest, ClosingWithoutANewlineIsSaidAndNotPolledFor) {
  auto made = NotifyPipe::Make();
  ASSERT_TRUE(made.ok());
  const Subject subject{.address = {}, .log = {}, .notify_pipe = made->get()};
  NotifyFdProbe probe(subject);
  (*made)->CloseServerEnd();
  EXPECT_THAT(probe.Look(kNow).saw, HasSubstr("closed without a newline"));
  std::vector<pollfd> descriptors;
  probe.AddDescriptors(descriptors);
  EXPECT_TRUE(descriptors.empty()) << "a descriptor that has hung up would make the wait spin";
}

}  // namespace
}  // namespace curfew::readiness
