// SPDX-License-Identifier: Apache-2.0
// What cannot be contained is said: named, with the reason, and the run fails.
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "process/pidfd.h"
#include "run_program.h"

namespace curfew::meta {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

class SurvivorsTest : public testing::Test {
 protected:
  SurvivorsTest() {
    std::string name = (fs::temp_directory_path() / "curfew-survivors-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    fs::permissions(directory_, fs::perms::all);
  }
  ~SurvivorsTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  fs::path directory_;
};

TEST_F(SurvivorsTest, AnotherUsersProcessIsNamedWithTheReason) {
  if (geteuid() != 0) GTEST_SKIP() << "takes root, to make a set-user-ID program";
  const fs::path helper = directory_ / "becomes_root";
  fs::copy_file(CURFEW_BECOMES_ROOT, helper);
  ASSERT_EQ(chmod(helper.c_str(), 04755), 0);

  const Outcome outcome = RunProgram("survivors", {"--gtest_filter=BecomesRootTest.*"},
                                     {{"META_USER", "65534"},
                                      {"META_BECOMES_ROOT", helper},
                                      {"META_DIRECTORY", directory_},
                                      {"CURFEW_CONTAINMENT", "basic"}});
  pid_t pid = 0;
  std::ifstream(directory_ / "root.pid") >> pid;
  ASSERT_GT(pid, 0) << testing::PrintToString(outcome);
  auto survivor = process::Pidfd::Open(pid);
  ASSERT_TRUE(survivor.ok()) << "it was beyond their reach and yet it is gone: " << testing::PrintToString(outcome);
  EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(pid) + "/exe"), helper);
  EXPECT_EQ(survivor->Signal(SIGKILL), 0);

  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome, Failed("BecomesRootTest.IsBeyondOurReach"));
  const auto named = AllOf(HasSubstr(std::to_string(pid)), HasSubstr("becomes_root"),
                           HasSubstr("STILL ALIVE: EPERM: runs as uid 0"));
  EXPECT_THAT(outcome.output, named);
  EXPECT_THAT(outcome.xml, named);
}

// A service of the machine that begins processes for whoever asks: of our environment it passes on what it is told.
class ForeignDaemon {
 public:
  explicit ForeignDaemon(const fs::path& path) : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 1) != 0) {
      throw std::runtime_error("ForeignDaemon");
    }
    thread_ = std::thread([this] { Serve(); });
  }
  ForeignDaemon(const ForeignDaemon&) = delete;
  ForeignDaemon& operator=(const ForeignDaemon&) = delete;
  ~ForeignDaemon() {
    Join();
    close(listener_);
  }
  // The signal that ended the process it has begun, or 0 if that is alive; then it is ended.
  int EndOfProcess() {
    Join();
    if (pid_ == 0) return -1;
    int status = 0;
    const bool ended = waitpid(pid_, &status, WNOHANG) == pid_;
    if (!ended) {
      kill(pid_, SIGKILL);  // our own child, and not collected
      waitpid(pid_, nullptr, 0);
    }
    return ended && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void Serve() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::string variable;
    for (char c = 0; read(client, &c, 1) == 1 && c != '\n';) variable += c;
    const char* arguments[] = {"sleep", "60", nullptr};
    char* environment[] = {variable.data(), nullptr};
    posix_spawn(&pid_, "/bin/sleep", nullptr, nullptr, const_cast<char* const*>(arguments), environment);
    static_cast<void>(write(client, "!", 1));
    close(client);
  }
  void Join() {
    shutdown(listener_, SHUT_RDWR);  // it may never have been asked
    if (thread_.joinable()) thread_.join();
  }

  int listener_;
  pid_t pid_ = 0;
  std::thread thread_;
};

TEST_F(SurvivorsTest, AForeignDaemonsProcessIsFoundByOurMark) {
  ForeignDaemon daemon(directory_ / "daemon");
  const Outcome outcome = RunProgram("survivors", {"--gtest_filter=*BeginsOneWithOurEnvironment"},
                                     {{"META_DAEMON", directory_ / "daemon"}});
  EXPECT_EQ(daemon.EndOfProcess(), SIGKILL) << testing::PrintToString(outcome);
  EXPECT_THAT(outcome, Failed("ForeignDaemonTest.BeginsOneWithOurEnvironment"));
  EXPECT_THAT(outcome.output, AllOf(HasSubstr(std::to_string(daemon.pid())), HasSubstr("sleep 60"), HasSubstr("mark"),
                                    HasSubstr("handed to process " + std::to_string(getpid()))));
}

// The hole: with nothing of ours about it, it is a stranger, and strangers are left alone.
TEST_F(SurvivorsTest, AForeignDaemonsProcessWithNothingOfOursIsAStranger) {
  ForeignDaemon daemon(directory_ / "daemon");
  const Outcome outcome = RunProgram("survivors", {"--gtest_filter=*BeginsOneWithItsOwnEnvironment"},
                                     {{"META_DAEMON", directory_ / "daemon"}});
  EXPECT_EQ(daemon.EndOfProcess(), 0);
  EXPECT_THAT(outcome, Passed("ForeignDaemonTest.BeginsOneWithItsOwnEnvironment"));
  // Other tests may have left something for a moment, which is told before the first test.
  const auto own = outcome.output.substr(std::min(outcome.output.find("Note: Google Test"), outcome.output.size()));
  EXPECT_THAT(own, AllOf(HasSubstr("[ RUN "), Not(HasSubstr("leak"))));
}

}  // namespace
}  // namespace curfew::meta
