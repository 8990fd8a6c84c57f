// SPDX-License-Identifier: Apache-2.0
// Meant to fail: begins what cannot be contained. With META_USER the program gives up root's rights before anything
// else.
#include <curfew/curfew.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "samples.h"

namespace {

class BecomesRootTest : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    const std::string file = std::getenv("META_DIRECTORY") + std::string("/root.pid");
    return {.command = {std::getenv("META_BECOMES_ROOT"), file},
            .ready = curfew::Ready::File(file),
            .stop = {{{SIGTERM, std::chrono::milliseconds(100)}}}};
  }
};
TEST_F(BecomesRootTest, IsBeyondOurReach) {}

// Has the daemon behind META_DAEMON begin a process for us, with this environment, as at(1) would, or docker.
void AskForeignDaemon(const std::string& environment) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, std::getenv("META_DAEMON"), sizeof address.sun_path - 1);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string line = environment + "\n";
  ASSERT_EQ(write(fd, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  char begun = 0;
  ASSERT_EQ(read(fd, &begun, 1), 1);
  close(fd);
}

TEST(ForeignDaemonTest, BeginsOneWithOurEnvironment) {
  AskForeignDaemon(std::string("CURFEW_MARK=") + std::getenv("CURFEW_MARK"));
}
TEST(ForeignDaemonTest, BeginsOneWithItsOwnEnvironment) {
  AskForeignDaemon("PATH=/usr/bin");
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* user = std::getenv("META_USER")) {
    const auto id = static_cast<uid_t>(std::atoi(user));
    if (setgroups(0, nullptr) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0) return 3;
    prctl(PR_SET_DUMPABLE, 1);  // as a program that this user has started
  }
  testing::InitGoogleTest(&argc, argv);
  curfew::Init(&argc, argv);
  return RUN_ALL_TESTS();
}
