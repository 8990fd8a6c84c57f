// SPDX-License-Identifier: Apache-2.0
// Every wrong spec is one clear error that names the field and the value, before anything is started; every
// launch that fails says which step, with errno.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include <curfew/curfew.h>

#include "processes.h"

namespace curfew {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Refused {
  std::string name;
  ServerSpec spec;
  StartError::Reason reason;
  int error_number;
  std::vector<std::string> words;  // all of them are in the message
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

const std::string kEcho = CURFEW_SAMPLE_DIR "/tcp_echo";
const std::vector<std::string> kGood = {kEcho, "--port", "{port}"};

// A file that exists, with this mode and content.
std::string MakeFile(const std::string& name, mode_t mode, const std::string& text) {
  static testing_support::TemporaryDirectory directory;
  const std::string path = directory.path() + "/" + name;
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

std::vector<Refused> Table() {
  constexpr auto kBad = StartError::kBadSpec;
  constexpr auto kNoLaunch = StartError::kCouldNotLaunch;
  return {
      {"EmptyCommand", {}, kBad, 0, {"ServerSpec::command", "empty"}},
      {"EmptyProgram", {.command = {""}}, kBad, 0, {"command[0]"}},
      {"CommandAndShell", {.command = kGood, .shell = "true"}, kBad, 0, {"ServerSpec::shell", "command"}},
      {"UnknownPlaceholder", {.command = {kEcho, "{prot}"}}, kBad, 0, {"command[1]", "{prot}", "{port}"}},
      {"PortTooLarge", {.command = kGood, .ports = {{"", 65536}}}, kBad, 0, {"ports", "65536", "65535"}},
      {"PortZero", {.command = kGood, .ports = {{"", 0}}}, kBad, 0, {"ports", " 0"}},
      {"PortNobodyUses", {.command = kGood, .ports = {{"admin", 80}}}, kBad, 0, {"ports[\"admin\"]", "{port:admin}"}},
      {"NegativeTimeout", {.command = kGood, .ready_timeout = -1s}, kBad, 0, {"ready_timeout", "-1"}},
      {"ZeroTimeout", {.command = kGood, .ready_timeout = 0s}, kBad, 0, {"ready_timeout"}},
      {"NegativeGrace", {.command = kGood, .stop = {{{SIGTERM, -1s}}}}, kBad, 0, {"stop.steps[0].grace"}},
      {"NoSignal", {.command = kGood, .stop = {{{4711, 1s}}}}, kBad, 0, {"stop.steps[0].signal", "4711"}},
      {"NulInArgument", {.command = {kEcho, std::string("a\0b", 3)}}, kBad, 0, {"command[1]", "NUL", "a\\x00b"}},
      {"NulInEnvironment", {.command = kGood, .env = {{"A", std::string("\0", 1)}}}, kBad, 0, {"env[\"A\"]", "NUL"}},
      {"EqualsInVariable", {.command = kGood, .env = {{"A=B", "c"}}}, kBad, 0, {"env", "A=B"}},
      {"SlashInName", {.name = "a/b", .command = kGood}, kBad, 0, {"name", "a/b"}},
      {"FileOutside", {.command = kGood, .files = {{"../x", ""}}}, kBad, 0, {"files", "../x"}},
      {"PortOfReadyUnknown", {.command = kGood, .ready = Ready::Tcp("admin")}, kBad, 0, {"ready", "admin"}},
      {"ReadyWithoutPort", {.command = {"sleep", "9"}}, kBad, 0, {"ready", "port"}},
      {"BadRegex", {.command = kGood, .ready = Ready::Log("(")}, kBad, 0, {"ready", "("}},
      {"BadRegexOfBody", {.command = kGood, .ready = Ready::Http("/", {.matches = "["})}, kBad, 0, {"matches", "["}},
      {"HttpsWithoutTrust",
       {.command = kGood, .ready = Ready::Https("/", {})},
       kBad,
       0,
       {"Https", "ca_file", "unverified"}},
      {"ZeroAttempt", {.command = kGood, .ready = Ready::TcpAccept("", 0s)}, kBad, 0, {"TcpAccept", "attempt"}},
      {"ZerothOccurrence",
       {.command = kGood, .ready = Ready::Log("x", {.occurrence = 0})},
       kBad,
       0,
       {"occurrence", "0"}},
      {"UdpPortNobodyAskedFor", {.command = kGood, .ready = Ready::Udp("dns")}, kBad, 0, {"Udp", "{port:dns}"}},
      {"EmptyReadyCommand", {.command = kGood, .ready = Ready::Command({})}, kBad, 0, {"Command", "program"}},
      {"NotifyFdNobodyIsTold", {.command = kGood, .ready = Ready::NotifyFd()}, kBad, 0, {"NotifyFd", "{notify_fd}"}},
      {"NotifyFdNobodyReads", {.command = {kEcho, "{notify_fd}", "{port}"}}, kBad, 0, {"{notify_fd}", "NotifyFd"}},
      {"NotifySocketOfTheUsers",
       {.command = kGood, .env = {{"NOTIFY_SOCKET", "/x"}}, .ready = Ready::Notify()},
       kBad,
       0,
       {"NOTIFY_SOCKET", "/x"}},
      {"CapturedByNobody", {.command = {kEcho, "--port", "{port}", "{captured:x}"}}, kBad, 0, {"{captured:x}"}},
      {"MissingProgram",
       {.command = {"no-such-program"}, .ready = Ready::File("x")},
       kNoLaunch,
       ENOENT,
       {"no-such-program", "PATH", "ENOENT", "try         is it installed?"}},
      {"MissingPath",
       {.command = {"/no/such/program"}, .ready = Ready::File("x")},
       kNoLaunch,
       ENOENT,
       {"/no/such/program", "ENOENT"}},
      {"DirectoryAsProgram", {.command = {"/tmp"}, .ready = Ready::File("x")}, kNoLaunch, EISDIR, {"/tmp", "EISDIR"}},
      {"NotExecutable",
       {.command = {MakeFile("plain", 0644, "x")}, .ready = Ready::File("x")},
       kNoLaunch,
       EACCES,
       {"plain", "EACCES", "try         chmod +x"}},
      {"NoFormat",
       {.command = {MakeFile("text", 0755, "no program\n")}, .ready = Ready::File("x")},
       kNoLaunch,
       ENOEXEC,
       {"text", "ENOEXEC", "#!"}},
      {"NoInterpreter",
       {.command = {MakeFile("script", 0755, "#!/no/such/interpreter\n")}, .ready = Ready::File("x")},
       kNoLaunch,
       ENOENT,
       {"script", "ENOENT", "its first line (#!) names as interpreter"}},
      {"ArgumentsTooLong",  // one of more than 128 KiB is (execve(2), MAX_ARG_STRLEN)
       {.command = {"true", std::string(200 << 10, 'x')}, .ready = Ready::File("x")},
       kNoLaunch,
       E2BIG,
       {"E2BIG"}},
      {"NoWorkingDir",
       {.command = kGood, .working_dir = "/no/such/dir"},
       kNoLaunch,
       ENOENT,
       {"working_dir", "/no/such/dir", "ENOENT", "try         make it before the start"}},
      {"FileAsWorkingDir", {.command = kGood, .working_dir = kEcho}, kNoLaunch, ENOTDIR, {"working_dir", "ENOTDIR"}},
  };
}

class BadInput : public testing::TestWithParam<Refused> {};

TEST_P(BadInput, IsAClearError) {
  const auto& refused = GetParam();
  try {
    auto server = Server::Start(refused.spec);
    FAIL() << "it started";
  } catch (const StartError& error) {
    EXPECT_STREQ(StartError::Name(error.reason()), StartError::Name(refused.reason)) << error.what();
    EXPECT_EQ(error.error_number(), refused.error_number) << error.what();
    for (const auto& word : refused.words) EXPECT_THAT(error.what(), HasSubstr(word));
    EXPECT_LT(std::string(error.what()).size(), 20'000U) << "bounded, whatever was given";
  }
}

std::string NameOf(const testing::TestParamInfo<Refused>& refused) { return refused.param.name; }

INSTANTIATE_TEST_SUITE_P(Specs, BadInput, testing::ValuesIn(Table()), NameOf);

// Sets a limit and puts it back.
class ScopedLimit {
 public:
  ScopedLimit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
    ::getrlimit(resource_, &before_);
    rlimit lowered = before_;
    lowered.rlim_cur = value;
    ::setrlimit(resource_, &lowered);
  }
  ~ScopedLimit() { ::setrlimit(resource_, &before_); }
  ScopedLimit(const ScopedLimit&) = delete;
  ScopedLimit& operator=(const ScopedLimit&) = delete;

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

TEST(Resources, NoDescriptorLeftIsAClearErrorAndNothingIsLeftRunning) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan's check of virtual calls takes a descriptor of its own and reports nonsense without; other "
                  "presets run this";
#endif
  std::string what;
  {
    const int next = ::dup(0);
    ::close(next);
    const ScopedLimit limit(RLIMIT_NOFILE, static_cast<rlim_t>(next) + 1);
    try {
      auto server = Server::Start({.command = kGood});
    } catch (const StartError& error) {
      what = error.what();
      EXPECT_EQ(error.error_number(), EMFILE);
    }
  }
  EXPECT_THAT(what, HasSubstr("EMFILE"));
  auto server = Server::Start({.command = kGood});  // and it works again
  EXPECT_TRUE(server.running());
}

}  // namespace
}  // namespace curfew
