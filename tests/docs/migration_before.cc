// SPDX-License-Identifier: Apache-2.0
// The left-hand sides of docs/guide/migration.md: what people have before. Compiled, so that it is real code, and never
// run: each leaves processes behind.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/version.hpp>
#if BOOST_VERSION >= 108800
#include <boost/process/v1.hpp>
namespace bp = boost::process::v1;
#else
#include <boost/process.hpp>
namespace bp = boost::process;
#endif

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

// What the reader's own code has.
int FindFreePort() { return 4711; }
void ConnectTo(int) {}

namespace with_fork {
// [fork-before]
class EchoTest : public testing::Test {
 protected:
  void SetUp() override {
    port_ = FindFreePort();  // bind 0, close, hope that nobody takes it
    pid_ = ::fork();
    if (pid_ == 0) {
      const std::string port = std::to_string(port_);
      ::execlp("tcp_echo", "tcp_echo", "--port", port.c_str(), nullptr);
      ::_exit(127);
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));  // too long here, too short in CI
  }
  void TearDown() override {  // not run after a crash, an exit() or a time-out
    ::kill(pid_, SIGTERM);    // the pid alone: its children live on
    ::waitpid(pid_, nullptr, 0);  // hangs if it ignores SIGTERM
  }
  int port_ = 0;
  pid_t pid_ = 0;
};
// [/fork-before]
TEST_F(EchoTest, Echoes) { ConnectTo(port_); }
}  // namespace with_fork

namespace with_boost {
// [boost-before]
TEST(Cluster, HasThreeNodes) {
  bp::group group;
  std::vector<bp::child> nodes;
  for (int i = 0; i < 3; ++i) {
    nodes.emplace_back("tcp_echo --port " + std::to_string(4000 + i), group, bp::std_out > bp::null);
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  nodes[1].terminate();
  EXPECT_TRUE(nodes[0].running() && nodes[2].running());
  group.terminate();  // who called setsid is not in the group, and an ASSERT above jumps over this
}
// [/boost-before]
}  // namespace with_boost

namespace with_system {
// [system-before]
class Memcached : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(std::system("memcached -d -p 11299 -P /tmp/memcached.pid -m 64"), 0); }
  void TearDown() override { ASSERT_EQ(std::system("kill $(cat /tmp/memcached.pid)"), 0); }
};
// [/system-before]
TEST_F(Memcached, TellsItsVersion) { ConnectTo(11299); }
}  // namespace with_system

namespace with_docker {
// [docker-before]
class Db : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(std::system("docker run -d --name test-db -p 5433:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres"), 0);
    while (std::system("docker exec test-db pg_isready") != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  static void TearDownTestSuite() { ASSERT_EQ(std::system("docker rm -f test-db"), 0); }
};
// [/docker-before]
TEST_F(Db, Answers) { ConnectTo(5433); }
}  // namespace with_docker

}  // namespace
