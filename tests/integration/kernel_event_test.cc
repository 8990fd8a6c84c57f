// SPDX-License-Identifier: Apache-2.0
// The kernel tells of listen(2): that it is used where it is free, and that it never gets in a server's way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include <curfew/curfew.h>

#include "process/pidfd.h"
#include "processes.h"
#include "procfs/proc.h"

namespace curfew {
namespace {

using testing_support::Eventually;

ServerSpec Sample(const std::string& name) {
  return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"}};
}

// Whether a filter can be set here without giving anything up.
bool IsFree() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  ::syscall(SYS_capget, &header, sets.data());
  return (sets[0].effective & (1U << CAP_SYS_ADMIN)) != 0;
}

class KernelEvent : public testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::Start(Sample("tcp_echo"));
    if (server.learnt_by() == "kernel event") return;
    ASSERT_FALSE(IsFree() && ::prctl(PR_GET_SECCOMP) == 0) << "it is free, and not used";
    GTEST_SKIP() << "no filter on listen(2) can be set here without side effects";
  }
};

TEST_F(KernelEvent, IsNotUsedWhereTheSpecForbidsIt) {
  auto spec = Sample("tcp_echo");
  spec.kernel_event = false;
  auto server = Server::Start(std::move(spec));
  EXPECT_EQ(server.learnt_by(), "asking");
}

TEST_F(KernelEvent, TellsOfWorkersToo) {
  auto server = Server::Start(Sample("forks_workers"));
  EXPECT_EQ(server.learnt_by(), "kernel event");
  EXPECT_THAT(server, IsReady());
}

// More calls than lie in any socket's buffer while nobody of this program reads.
TEST_F(KernelEvent, AnyNumberOfCallsGoesOnWhileATestBodyRuns) {
  auto server = Server::Start(Sample("listens_again"));
  TcpClient client(server.host(), server.port(), 60s);
  const std::string calls(2000, 'x');
  for (int i = 0; i < 10; ++i) {
    client.Send(calls);
    ASSERT_EQ(client.Receive(calls.size()), calls);
  }
  EXPECT_TRUE(server.running());
}

TEST_F(KernelEvent, StoppedWardenIsWokenBeforeTheServerCouldHang) {
  auto server = Server::Start(Sample("listens_again"));
  const auto stat = procfs::Proc().ReadStat(server.pid());
  ASSERT_TRUE(stat);
  const auto warden = process::Pidfd::Open(stat->ppid);
  ASSERT_TRUE(warden.ok());
  TcpClient client(server.host(), server.port(), 60s);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(warden->Signal(SIGSTOP), 0);
    client.Send("x");
    ASSERT_EQ(client.Receive(1), "x");
  }
}

}  // namespace
}  // namespace curfew
