// SPDX-License-Identifier: Apache-2.0
// On real processes: each test forks one that sets the filter on itself.
#include "process/listen_filter.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <array>
#include <cerrno>
#include <functional>

namespace curfew::process {
namespace {

constexpr int kMilliseconds = 30000;

// The errno of listen(2) on a socket of one's own.
int Listen() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return ::listen(socket, 1) == 0 ? 0 : errno;
}

void DropPrivileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  ::syscall(SYS_capset, &header, none.data());
}

// A child that sets the filter and ends with what `then` returns.
class Filtered {
 public:
  explicit Filtered(const std::function<int()>& then, const std::function<void()>& before = [] {},
                    bool give_up_privileges = true) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
    socket_.Reset(ends[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::alarm(60);
      before();
      SetListenFilter(ends[1], give_up_privileges);
      ::close_range(3, ~0U, 0);  // as exec would: nobody but the parent has the filter
      ::_exit(then());
    }
    ::close(ends[1]);
    pollfd word{socket_.get(), POLLIN, 0};
    ::poll(&word, 1, kMilliseconds);
  }
  ~Filtered() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Filtered(const Filtered&) = delete;
  Filtered& operator=(const Filtered&) = delete;

  [[nodiscard]] Result<FileDescriptor> Receive() const { return ReceiveListenFilter(socket_.get()); }
  [[nodiscard]] int Status() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void Kill() const { ::kill(pid_, SIGKILL); }

 private:
  FileDescriptor socket_;
  pid_t pid_ = 0;
};

bool AwaitCall(const FileDescriptor& filter) {
  pollfd call{filter.get(), POLLIN, 0};
  return ::poll(&call, 1, kMilliseconds) == 1 && (call.revents & POLLIN) != 0;
}

TEST(ListenFilterTest, TellsOfACallAndLetsItGoOn) {
  Filtered child(Listen);
  const auto filter = child.Receive();
  ASSERT_TRUE(filter.ok()) << filter.failure().ToString();
  ASSERT_TRUE(AwaitCall(filter.value()));
  const auto call = TakeListenCall(filter.value().get());
  ASSERT_TRUE(call);
  EXPECT_EQ(call->thread, child.pid());
  EXPECT_GE(call->descriptor, 3);
  EXPECT_EQ(child.Status(), 0);
  EXPECT_FALSE(TakeListenCall(filter.value().get()));
}

TEST(ListenFilterTest, TellsOfWhateverItBegins) {
  Filtered child([] {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) ::_exit(Listen());
    int status = -1;
    ::waitpid(grandchild, &status, 0);
    return status;
  });
  const auto filter = child.Receive();
  ASSERT_TRUE(filter.ok());
  ASSERT_TRUE(AwaitCall(filter.value()));
  const auto call = TakeListenCall(filter.value().get());
  ASSERT_TRUE(call);
  EXPECT_NE(call->thread, child.pid());
  EXPECT_EQ(child.Status(), 0);
}

TEST(ListenFilterTest, NothingIsTakenWhereNobodyCalls) {
  Filtered child([] { return ::pause(); });
  const auto filter = child.Receive();
  ASSERT_TRUE(filter.ok());
  EXPECT_FALSE(TakeListenCall(filter.value().get()));
}

TEST(ListenFilterTest, CallerThatIsKilledWhileItWaitsIsNoCall) {
  Filtered child(Listen);
  const auto filter = child.Receive();
  ASSERT_TRUE(filter.ok());
  ASSERT_TRUE(AwaitCall(filter.value()));
  child.Kill();
  EXPECT_EQ(child.Status(), -1);
  EXPECT_FALSE(TakeListenCall(filter.value().get()));
  pollfd over{filter.value().get(), 0, 0};
  EXPECT_EQ(::poll(&over, 1, kMilliseconds), 1);
  EXPECT_NE(over.revents & POLLHUP, 0) << "nobody is left who could call";
}

// Why the warden keeps the descriptor for as long as anything of its tree may live.
TEST(ListenFilterTest, WithoutAnybodyWhoHasTheFilterListenFailsAndDoesNotHang) {
  Filtered child(Listen);
  { const auto filter = child.Receive(); }
  EXPECT_EQ(child.Status(), ENOSYS);
}

TEST(ListenFilterTest, SecondFilterOfItsKindIsRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const FileDescriptor outer(ends[0]);
  const FileDescriptor theirs(ends[1]);
  Filtered child(Listen, [&] { SetListenFilter(theirs.get(), true); });
  const auto first = ReceiveListenFilter(outer.get());
  ASSERT_TRUE(first.ok());
  const auto second = child.Receive();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.failure().error, EBUSY);
}

TEST(ListenFilterTest, WithoutPrivilegeItIsRefusedUnlessPrivilegesMayBeGivenUp) {
  const auto state = [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); };
  Filtered refused(state, DropPrivileges, false);
  const auto none = refused.Receive();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().error, EACCES);
  EXPECT_EQ(refused.Status(), 0) << "and nothing is changed";
  Filtered allowed(state, DropPrivileges, true);
  EXPECT_TRUE(allowed.Receive().ok());
  EXPECT_EQ(allowed.Status(), 1);
}

}  // namespace
}  // namespace curfew::process
