// SPDX-License-Identifier: Apache-2.0
// Promise 2 where it is hardest to keep: in a PID namespace with 300 numbers, most of them taken by strangers that come
// and go, a number that Curfew has let go of belongs to a stranger within milliseconds. None may ever get a signal.
//
// CURFEW_PID_REUSES: how many numbers have to come again (default 4000; scripts/escape-matrix.sh --reuse: 100,000).
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "churn.h"
#include "namespaces.h"
#include "processes.h"

namespace curfew::escape {
namespace {

using testing_support::TemporaryDirectory;

// pid_max belongs to each PID namespace since Linux 6.14; before that it is the machine's, and not to be touched.
bool PidMaxIsPerNamespace() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 14);
}

constexpr int kCannot = 77;  // exit code: namespaces are not allowed here

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

pid_t Begin(const char* program, const char* file, const char* argument) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(program, program, file, argument, nullptr);
    ::_exit(127);
  }
  return pid;
}

// The init of the namespace. When it ends, everything in it does.
[[noreturn]] void RunNamespace(const char* file, const char* reuses, const char* how) {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    ::_exit(kCannot);
  }
  if (!Write("/proc/sys/kernel/pid_max", std::to_string(kPidMax))) ::_exit(kCannot);
  const pid_t reuser = Begin(ESCAPE_REUSER, file, how);
  const pid_t churner = Begin(ESCAPE_CHURNER, file, reuses);
  int reuser_status = -1;
  int churner_status = -1;
  for (int status = 0; reuser_status == -1 || churner_status == -1;) {
    const pid_t ended = ::wait(&status);  // orphans, too, as an init does
    if (ended < 0) break;
    if (ended == reuser) reuser_status = status;
    if (ended == churner) churner_status = status;
    if ((ended == churner || ended == reuser) && status != 0) break;  // and with this process everybody ends
  }
  ::_exit(reuser_status == 0 && churner_status == 0 ? 0 : 1);
}

class ReuseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PidMaxIsPerNamespace()) GTEST_SKIP() << "before Linux 6.14 pid_max is the machine's own";
    std::ofstream(file_) << "";
    std::filesystem::resize_file(file_, sizeof(Churn));
    churn_ = &MapChurn(file_.c_str());
  }
  void RunIn(const std::string& reuses, const char* how) {
    const pid_t outer = ::fork();
    if (outer == 0) {
      ::setenv("TMPDIR", directory_.path().c_str(), 1);  // here, since the directory goes with the test
      if (!testing::EnterNamespaces(CLONE_NEWNS | CLONE_NEWPID)) ::_exit(kCannot);
      const pid_t inner = ::fork();
      if (inner == 0) RunNamespace(file_.c_str(), reuses.c_str(), how);
      int status = 1;
      ::waitpid(inner, &status, 0);
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    int status = 1;
    ASSERT_EQ(::waitpid(outer, &status, 0), outer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kCannot)
      GTEST_SKIP() << "no PID namespace with a /proc of its own here";
    EXPECT_EQ(status, 0);
    std::printf(
        "%ld strangers, %ld reused numbers, %ld of them of servers or their leaks; %ld cycles, %ld leaks reaped, "
        "%ld starts without a free number; %ld signals to strangers, %ld strangers ended by others\n",
        churn_->forks.load(), churn_->reuses.load(), churn_->of_ours.load(), churn_->cycles.load(),
        churn_->leaks.load(), churn_->failed_starts.load(), churn_->signalled.load(), churn_->killed.load());
  }

  TemporaryDirectory directory_;
  std::string file_ = directory_.path() + "/churn";
  Churn* churn_ = nullptr;
};

TEST_F(ReuseTest, NoStrangerOnAReusedNumberIsEverSignalled) {
  const char* reuses = ::getenv("CURFEW_PID_REUSES");
  RunIn(reuses == nullptr ? "4000" : reuses, nullptr);
  if (IsSkipped()) return;
  EXPECT_EQ(churn_->signalled, 0);
  EXPECT_EQ(churn_->killed, 0);
  EXPECT_GT(churn_->cycles, 0);
  // On a loaded machine so few servers may come and go meanwhile that no number of theirs is given to a stranger.
  if (churn_->of_ours == 0) GTEST_SKIP() << "nothing was tried; CURFEW_PID_REUSES asks for more than 4000";
}

// Without this the one above could pass because strangers notice nothing.
TEST_F(ReuseTest, ANaiveHarnessHitsStrangers) {
  RunIn("3000", "naive");
  if (IsSkipped()) return;
  EXPECT_GT(churn_->signalled, 0);
}

}  // namespace
}  // namespace curfew::escape
