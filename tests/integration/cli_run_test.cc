// SPDX-License-Identifier: Apache-2.0
// `curfew run` from outside: what it ends with, what is alive after it, what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "processes.h"
#include "procfs/proc.h"

namespace curfew::testing_support {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string>;
using Variables = std::vector<std::pair<std::string, std::string>>;

// A long sleep that ends by itself should everything fail, in a session of its own and its parent gone.
constexpr const char* kLeaveDaemon = "setsid sleep 200 </dev/null >/dev/null 2>&1 & ";

// LeakSanitizer, which reads its options from /proc, ends a program that has none with a status of its own.
#ifdef __SANITIZE_ADDRESS__
constexpr int kWithoutProc = 1;
#else
constexpr int kWithoutProc = 125;
#endif

class CliRunTest : public testing::Test {
 protected:
  // Everything begun here ends here, whatever the test found.
  ~CliRunTest() override { truth_.EndAll(); }

  [[nodiscard]] std::string Output() const { return ReadFile(output_); }

  // Starts `curfew run FLAGS -- sh -c SCRIPT`.
  [[nodiscard]] std::unique_ptr<Program> Start(Words flags, const std::string& script, Variables variables = {}) const {
    // Other programs of the machine may leave shared memory behind meanwhile; tests of that ask for it.
    const bool asked = std::ranges::any_of(flags, [](const auto& flag) { return flag.starts_with("--resources"); });
    Words argv = {CURFEW_PROGRAM, "run"};
    if (!asked) argv.emplace_back("--resources=off");
    argv.insert(argv.end(), flags.begin(), flags.end());
    for (const char* word : {"--", "/bin/sh", "-c"}) argv.emplace_back(word);
    argv.push_back(script);
    variables.emplace_back(Truth::kVariable, truth_.token());
    variables.emplace_back("TMPDIR", directory_.path());
    return std::make_unique<Program>(argv, variables, output_);
  }
  // The exit code as a shell would show it, or -1 for a run that did not end.
  [[nodiscard]] int Run(Words flags, const std::string& script, Variables variables = {}) const {
    return Code(*Start(std::move(flags), script, std::move(variables)));
  }
  [[nodiscard]] static int Code(Program& program) {
    const auto status = program.Wait();
    if (!status) return -1;
    return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
  }
  // Waits for a line of the script.
  [[nodiscard]] bool Says(const std::string& text) const {
    return Eventually([&] { return Output().find(text) != std::string::npos; });
  }
  // The run's directories that are left.
  [[nodiscard]] Words Directories() const {
    Words names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.is_directory()) names.push_back(entry.path().filename());
    }
    return names;
  }
  // The guardian: the child of the front that is no shell.
  [[nodiscard]] static pid_t GuardianOf(pid_t front) {
    const auto children = ReadFile("/proc/" + std::to_string(front) + "/task/" + std::to_string(front) + "/children");
    std::istringstream text(children);
    pid_t child = 0;
    text >> child;
    return child;
  }

  Truth truth_;
  TemporaryDirectory directory_;
  std::string output_ = directory_.path() + "/output";
};

TEST_F(CliRunTest, PassesOnTheStatusAndTheOutputAndSaysNothing) {
  EXPECT_EQ(Run({}, "echo one; echo two >&2; exit 0"), 0);
  EXPECT_EQ(Output(), "one\ntwo\n");
  EXPECT_EQ(Run({}, "exit 7"), 7);
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(CliRunTest, ACommandKilledByASignalIsSeenAsThat) {
  auto program = Start({}, "kill -TERM $$");
  const auto status = program->Wait();
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status));
  EXPECT_EQ(WTERMSIG(*status), SIGTERM);
}

TEST_F(CliRunTest, NotFoundAndNotExecutableAsInAShell) {
  Program missing({CURFEW_PROGRAM, "run", "--", "no-such-program-anywhere"}, {}, output_);
  EXPECT_EQ(Code(missing), 127);
  Program plain({CURFEW_PROGRAM, "run", "--", "/etc/passwd"}, {}, output_);
  EXPECT_EQ(Code(plain), 126);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("no-such-program-anywhere: not found"), HasSubstr("/etc/passwd: not executable")));
}

TEST_F(CliRunTest, AScriptWithoutInterpreterIsRunByTheShell) {
  const auto script = directory_.path() + "/script";
  std::ofstream(script) << "exit $#\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  Program program({CURFEW_PROGRAM, "run", "--", script, "a", "b"}, {}, output_);
  EXPECT_EQ(Code(program), 2) << Output();
}

TEST_F(CliRunTest, LeakIsReportedAndReaped) {
  EXPECT_EQ(Run({}, kLeaveDaemon), 86);
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
  EXPECT_THAT(Output(), AllOf(HasSubstr("1 process leaked"), HasSubstr("sleep 200"), HasSubstr("(setsid)"),
                              ContainsRegex("known by    lineage, .*tag, mark"),
                              HasSubstr("reaped: nothing of it is left"), HasSubstr("exit code 86")));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(CliRunTest, ACommandThatIsNotOursIsBlamedByTheWayItBegan) {
  const std::string way =
      "/bin/sh -c '/bin/sh -c \"env -i setsid sleep 200 </dev/null >/dev/null 2>&1 & sleep 1\" "
      "--gtest_filter=Kv.Pings; true'; true";
  EXPECT_EQ(Run({}, way), 86);
  if (Output().find("unknown process of the run") != std::string::npos) {
    GTEST_SKIP() << "the kernel tells of no forks here: " << Output();
  }
  EXPECT_THAT(Output(), HasSubstr("begun by    the test itself in Kv.Pings, by way of /bin/sh -c"));
}

TEST_F(CliRunTest, LeakWithoutEnvironmentIsFoundToo) {
  EXPECT_EQ(Run({}, "env -i setsid sleep 200 </dev/null >/dev/null 2>&1 & "), 86);
  EXPECT_THAT(Output(), AllOf(ContainsRegex("known by    lineage, .*tag"), Not(HasSubstr("tag, mark"))));
}

TEST_F(CliRunTest, WithoutItsMechanismsALeakIsLost) {
  EXPECT_EQ(Run({}, kLeaveDaemon, {{"CURFEW_TEST_DISABLE", "subreaper,tag,cgroup"}}), 0);
  EXPECT_THAT(truth_.Alive(), Not(IsEmpty()));
}

TEST_F(CliRunTest, LeakNeverHidesAFailure) {
  EXPECT_EQ(Run({}, std::string(kLeaveDaemon) + "exit 3"), 3);
  EXPECT_THAT(Output(), HasSubstr("1 process leaked"));
  EXPECT_EQ(Run({}, std::string(kLeaveDaemon) + "kill -SEGV $$"), 128 + SIGSEGV);
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliRunTest, WarnTellsAndOffIsQuiet) {
  EXPECT_EQ(Run({"--leaks=warn"}, kLeaveDaemon), 0);
  EXPECT_THAT(Output(), HasSubstr("1 process leaked"));
  std::filesystem::remove(output_);
  EXPECT_EQ(Run({"--leaks=off"}, kLeaveDaemon), 0);
  EXPECT_EQ(Output(), "");
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliRunTest, KeepReportsAndLeavesAlone) {
  EXPECT_EQ(Run({"--keep"}, kLeaveDaemon), 86);
  EXPECT_THAT(Output(), HasSubstr("STILL ALIVE: kept, as --keep asks"));
  EXPECT_EQ(truth_.Alive().size(), 1U) << truth_.Describe();
}

TEST_F(CliRunTest, WhatEndsByItselfInAMomentIsNoLeak) {
  // Scaled, so that a starved machine gets to begin and end the sleep in this moment.
  EXPECT_EQ(Run({}, "sleep 0.02 & exit 0", {{"CURFEW_TIMEOUT_SCALE", "100"}}), 0);
  EXPECT_EQ(Output(), "");
}

TEST_F(CliRunTest, TimeOutStopsTheWholeTree) {
  // The huge grace makes a wrong wait hang; what ignores SIGTERM is there to be killed with the small one.
  EXPECT_EQ(Run({"--timeout=300ms", "--grace=150s"}, "setsid sleep 200 & sleep 200"), 124);
  EXPECT_THAT(Output(), AllOf(HasSubstr("still running after its timeout of 300 ms"), HasSubstr("sleep 200")));
  EXPECT_EQ(Run({"--timeout=300ms", "--grace=100ms"}, "trap '' TERM; sleep 200; sleep 200"), 124);
  EXPECT_THAT(Output(), HasSubstr("had to be killed"));
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliRunTest, SignalsArePassedOn) {
  for (const auto& [name, number] : {std::pair("TERM", SIGTERM), {"HUP", SIGHUP}, {"INT", SIGINT}, {"USR1", SIGUSR1}}) {
    std::filesystem::remove(output_);
    auto program = Start({}, "trap 'echo got " + std::string(name) + "; exit 9' " + name +
                                 "; echo ready; while :; do sleep 0.05; done");
    ASSERT_TRUE(Says("ready"));
    program->Signal(number);
    EXPECT_EQ(Code(*program), 9);
    EXPECT_THAT(Output(), HasSubstr(std::string("got ") + name));
  }
}

TEST_F(CliRunTest, IgnoredSignalsStayIgnored) {
  Program program({"/usr/bin/nohup", CURFEW_PROGRAM, "run", "--", "/bin/sh", "-c", "kill -HUP $$; exit 4"}, {},
                  output_);
  EXPECT_EQ(Code(program), 4);
}

// As in CI: no shell of a terminal holds the group, and somebody of it is stopped. When the last process ends that ties a
// group to another one of its session, the kernel sends SIGHUP to all of such a group.
TEST_F(CliRunTest, EndOfTheCommandIsNoHangUpForItsGroup) {
  const std::string script = std::string("sleep 60 & kill -STOP $!; '") + CURFEW_PROGRAM +
                             "' run -- /bin/true; echo \"alive, $?\"; kill -KILL $!";
  Program program({"/usr/bin/setsid", "--wait", "/bin/sh", "-c", script}, {}, output_);
  EXPECT_EQ(Code(program), 0);
  EXPECT_THAT(Output(), EndsWith("alive, 0\n"));
}

TEST_F(CliRunTest, StdinAndOtherDescriptorsAreTheCommands) {
  const auto file = directory_.path() + "/input";
  std::ofstream(file) << "first\nsecond\n";
  const std::string script = std::string("exec 5<") + file + "; echo from-stdin | '" + CURFEW_PROGRAM +
                             "' run -- /bin/sh -c 'read a; read b <&5; echo $a $b'";
  Program program({"/bin/sh", "-c", script}, {}, output_);
  EXPECT_EQ(Code(program), 0);
  EXPECT_EQ(Output(), "from-stdin first\n");
}

TEST_F(CliRunTest, KilledFrontLeavesNothing) {
  auto program =
      Start({"--grace=100ms"}, std::string(kLeaveDaemon) + "echo ready; trap '' TERM; while :; do sleep 1; done");
  ASSERT_TRUE(Says("ready"));
  program->Signal(SIGKILL);
  EXPECT_EQ(Code(*program), 128 + SIGKILL);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
  EXPECT_TRUE(Eventually([this] { return Directories().empty(); }));
}

TEST_F(CliRunTest, KilledGuardianLeavesNothing) {
  auto program = Start({}, std::string(kLeaveDaemon) + "echo ready; while :; do sleep 1; done");
  ASSERT_TRUE(Says("ready"));
  const pid_t guardian = GuardianOf(program->pid());
  ASSERT_GT(guardian, 0);
  // The command may be faster than the word of it: once the guardian sleeps it has told who the command is.
  ASSERT_TRUE(Eventually([guardian] {
    const auto stat = procfs::Proc().ReadStat(guardian);
    return stat && stat->state == 'S';
  }));
  ::kill(guardian, SIGKILL);  // an uncollected child of a process that waits for it here: the number is its own
  EXPECT_EQ(Code(*program), 128 + SIGKILL);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
  EXPECT_THAT(Output(), HasSubstr("guardian"));
}

TEST_F(CliRunTest, RunsInsideRunsEachFindTheirOwn) {
  const std::string inner =
      std::string("'") + CURFEW_PROGRAM + "' run --leaks=warn -- /bin/sh -c '" + kLeaveDaemon + "'";
  EXPECT_EQ(Run({}, inner), 86);
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
  EXPECT_THAT(Output(), HasSubstr("1 process leaked, found by the runs inside"));
}

TEST_F(CliRunTest, InnerRunThatWasKilledIsWaitedFor) {
  const auto ready = directory_.path() + "/ready";
  // The guardian of the inner run goes on when its front is gone: it is no leak, and what it ends neither.
  const std::string inner = std::string("'") + CURFEW_PROGRAM + "' run --grace=100ms -- /bin/sh -c 'echo > " + ready +
                            "; sleep 200' & p=$!; while [ ! -e '" + ready +
                            "' ]; do sleep 0.02; done; kill -KILL $p; exit 0";
  EXPECT_EQ(Run({}, inner), 0) << Output();
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliRunTest, ExemptedProcessesStayAndAreCounted) {
  const auto file = directory_.path() + "/curfew.supp";
  std::ofstream(file) << "# for this test\ncommand:\"sleep 200\"  # meant to stay\nport:9 # never needed\n";
  EXPECT_EQ(Run({"--suppressions", file}, std::string(kLeaveDaemon) + "setsid sleep 201 & exit 0"), 86);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("2 processes leaked, 1 of them exempted"), HasSubstr("exempted    meant to stay"),
                    HasSubstr("exemption not needed: " + file + ":3: port=9 (never needed)")));
  EXPECT_EQ(truth_.Alive().size(), 1U) << truth_.Describe();
  truth_.EndAll();
  EXPECT_EQ(Run({}, kLeaveDaemon, {{"CURFEW_SUPPRESSIONS", file}}), 0);
  EXPECT_EQ(truth_.Alive().size(), 1U) << truth_.Describe();
}

TEST_F(CliRunTest, ResourcesThatAreLeftAreToldAndStay) {
  const std::string name = "/dev/shm/curfew-" + truth_.token();
  const std::string script = "echo x > " + name;
  EXPECT_EQ(Run({"--resources=warn"}, script), 0);
  EXPECT_THAT(Output(), HasSubstr("POSIX shared memory " + name));
  EXPECT_TRUE(std::filesystem::remove(name)) << "it was to be left in place";
  EXPECT_EQ(Run({"--resources=fail"}, script), 86);
  EXPECT_TRUE(std::filesystem::remove(name));
  std::filesystem::remove(output_);
  EXPECT_EQ(Run({"--resources=off"}, script), 0);
  EXPECT_EQ(Output(), "");
  EXPECT_TRUE(std::filesystem::remove(name));
}

TEST_F(CliRunTest, BadExemptionsAreWrongUsage) {
  const auto file = directory_.path() + "/bad.supp";
  std::ofstream(file) << "command:x\n";
  EXPECT_EQ(Run({"--suppressions", file}, "echo began"), 2);
  EXPECT_EQ(Run({"--exempt=nothing"}, "echo began"), 2);
  EXPECT_THAT(Output(), AllOf(HasSubstr(file + ":1: no reason"), HasSubstr("gradle-daemon"), Not(HasSubstr("began"))));
}

TEST_F(CliRunTest, WildCommandLinesAreEscaped) {
  const std::string script =
      "setsid /bin/sh -c 'sleep 200; true' \"$(printf 'a\\nb\\033[31m\\377')\" </dev/null >/dev/null 2>&1 & exit 0";
  EXPECT_EQ(Run({}, script), 86);
  EXPECT_THAT(Output(), AllOf(HasSubstr("a\\x0Ab\\x1B[31m\\xFF"), Not(HasSubstr("\033")), Not(HasSubstr("\377"))));
}

TEST_F(CliRunTest, ReportsAreWrittenInEveryFormat) {
  const auto at = directory_.path() + "/r.";
  EXPECT_EQ(Run({"--report", at + "json", "--junit", at + "xml", "--html", at + "html", "--markdown", at + "md",
                 "--trace", at + "trace", "--github"},
                kLeaveDaemon),
            86);
  for (const char* format : {"json", "xml", "html", "md", "trace"}) {
    EXPECT_THAT(ReadFile(at + format), HasSubstr("sleep 200")) << format;
  }
  EXPECT_THAT(Output(), HasSubstr("::error"));
}

TEST_F(CliRunTest, ReportThatCannotBeWrittenIsSaidAndToldAllTheSame) {
  for (const char* place : {"/proc/none/r.json", "/dev/full", "/"}) {
    std::filesystem::remove(output_);
    EXPECT_EQ(Run({std::string("--report=") + place}, "exit 0"), 125) << place;
    EXPECT_THAT(Output(), AllOf(HasSubstr(std::string("failed to write ") + place), HasSubstr("the report instead:"),
                                HasSubstr("nothing is left")));
  }
  EXPECT_EQ(Run({"--report=/dev/full"}, "exit 3"), 3) << "a failure of the command stays what it is";
  EXPECT_EQ(Run({"--report=/dev/full"}, kLeaveDaemon), 86) << "and so does a leak";
}

// How the command ended stands in the report, whatever way.
TEST_F(CliRunTest, ReportsTellHowTheCommandEnded) {
  const auto at = directory_.path() + "/r.";
  struct {
    Words flags;
    std::string script;
    int code;
    std::string told;
  } const cases[] = {{{}, "exit 3", 3, "sh exited with status 3"},
                     {{}, "kill -KILL $$", 137, "sh was killed by SIGKILL"},
                     {{"--timeout=200ms"},
                      "exec sleep 200",
                      124,
                      "sh was still running after its timeout of 200 ms; it was killed by SIGTERM"}};
  for (const auto& each : cases) {
    auto flags = each.flags;
    for (const char* flag : {"--report=", "--junit=", "--html=", "--markdown=", "--trace="})
      flags.push_back(flag + at + &flag[2]);
    flags.emplace_back("--github");
    EXPECT_EQ(Run(flags, each.script, {{"CURFEW_ARTIFACTS", directory_.path() + "/kept"}}), each.code);
    for (const char* format : {"report=", "junit=", "html=", "trace="})
      EXPECT_THAT(ReadFile(at + format), HasSubstr(each.told)) << format;
    auto markdown = ReadFile(at + "markdown=");
    std::erase(markdown, '\\');
    EXPECT_THAT(markdown, HasSubstr(each.told));
    EXPECT_THAT(Output(), HasSubstr("::error title=" + each.told));
    Program report({CURFEW_PROGRAM, "report", directory_.path() + "/kept"}, {}, output_);
    EXPECT_EQ(Code(report), 0);
    EXPECT_THAT(Output(), AllOf(HasSubstr("ENDED  " + each.told), Not(HasSubstr("nothing is left"))));
    std::filesystem::remove_all(directory_.path() + "/kept");
    std::filesystem::remove(output_);
  }
}

TEST_F(CliRunTest, ReportsTellOfALostGuardian) {
  const auto report = directory_.path() + "/r";
  auto program = Start({"--markdown=" + report}, "echo ready; while :; do sleep 1; done");
  ASSERT_TRUE(Says("ready"));
  const pid_t guardian = GuardianOf(program->pid());
  ASSERT_GT(guardian, 0);
  ASSERT_TRUE(Eventually([guardian] {  // it has told by then who the command is
    const auto stat = procfs::Proc().ReadStat(guardian);
    return stat && stat->state == 'S';
  }));
  ::kill(guardian, SIGKILL);  // an uncollected child of a process that waits for it here: the number is its own
  EXPECT_EQ(Code(*program), 128 + SIGKILL);
  EXPECT_THAT(ReadFile(report), AllOf(HasSubstr("was killed from outside"), Not(HasSubstr("✅"))));
}

TEST_F(CliRunTest, AJournalThatCannotBeWrittenIsSaidAndNothingIsLostOfTheReport) {
  const auto report = directory_.path() + "/r.json";
  const Variables nowhere = {{"CURFEW_ARTIFACTS", "/proc/nowhere"}};
  EXPECT_EQ(Run({"--report=" + report}, kLeaveDaemon, nowhere), 86);
  EXPECT_THAT(ReadFile(report),
              AllOf(HasSubstr("sleep 200"), HasSubstr("failed to write the journal"), HasSubstr("\"clean\": false")));
  EXPECT_THAT(Output(), ContainsRegex("failed to write the journal /proc/nowhere/curfew-.*: ENOENT"));
  std::filesystem::remove(output_);
  EXPECT_EQ(Run({"--report=" + report}, "exit 0", nowhere), 125);
  EXPECT_THAT(ReadFile(report), AllOf(HasSubstr("exited with status 0"), HasSubstr("\"clean\": false")));
  EXPECT_EQ(Run({}, "exit 0", nowhere), 125) << "it was asked for";
  EXPECT_EQ(Run({}, "exit 3", nowhere), 3) << "a failure of the command stays what it is";
  EXPECT_EQ(Run({"--report=" + report}, "rm -r " + directory_.path() + "/curfew-*/*"), 125)
      << "nor is one that the command has removed";
  EXPECT_THAT(ReadFile(report),
              AllOf(HasSubstr("exited with status 0"), HasSubstr("was removed while the command ran")));
  // A full disk: everything that is written to a file is cut.
  std::filesystem::remove(output_);
  Program full({"/bin/sh", "-c",
                std::string("(ulimit -f 0; '") + CURFEW_PROGRAM +
                    "' run --resources=off --json=- -- true; echo code $?) 2>&1 | cat"},
               {{"TMPDIR", directory_.path()}}, output_);
  EXPECT_EQ(Code(full), 0);
  EXPECT_THAT(Output(), AllOf(HasSubstr("EFBIG"), HasSubstr("exited with status 0"), HasSubstr("\"clean\": false"),
                              HasSubstr("code 125")));
}

TEST_F(CliRunTest, AProcThatShowsNobodyOrStrangersIsRefused) {
  const std::string run =
      std::string("'") + CURFEW_PROGRAM + "' run --resources=off -- sh -c 'echo began; " + kLeaveDaemon + "'";
  const std::string user = ::geteuid() == 0 ? "" : "--map-root-user ";
  // LeakSanitizer ends a program that has lost its /proc with a status, and a finding, of its own.
  const char* const options = std::getenv("ASAN_OPTIONS");
  const std::string sanitizer = std::string(options == nullptr ? "" : options) + ":detect_leaks=0";
  const auto in_namespace = [&](const std::string& script) {
    std::filesystem::remove(output_);
    Program program({"/bin/sh", "-c", script},
                    {{Truth::kVariable, truth_.token()}, {"TMPDIR", directory_.path()}, {"ASAN_OPTIONS", sanitizer}},
                    output_);
    return Code(program);
  };
  if (in_namespace("unshare " + user + "--mount --pid --fork mount -t tmpfs none /proc") != 0) {
    GTEST_SKIP() << "no namespaces can be made here: " << Output();
  }
  EXPECT_EQ(in_namespace("unshare " + user + "--mount sh -c \"mount -t tmpfs none /proc; exec " + run + "\""),
            kWithoutProc);
  EXPECT_THAT(Output(), AllOf(HasSubstr("/proc/self cannot be read (ENOENT)"), HasSubstr("mount -t proc"),
                              Not(HasSubstr("began"))));
  EXPECT_EQ(in_namespace("unshare " + user + "--pid --fork --kill-child " + run), 125);
  EXPECT_THAT(Output(), AllOf(HasSubstr("/proc is that of another PID namespace"), Not(HasSubstr("began")),
                              Not(HasSubstr("leaked"))));
  for (const std::string command : {"leaks", "ps"}) {
    EXPECT_EQ(in_namespace("unshare " + user + "--pid --fork --kill-child '" + CURFEW_PROGRAM + "' " + command), 125);
    EXPECT_THAT(Output(), HasSubstr("another PID namespace"));
  }
  // And if it goes while the command runs, what is left cannot be named, and is no success.
  EXPECT_EQ(
      in_namespace("unshare " + user + "--mount '" + CURFEW_PROGRAM + "' run --resources=off --grace=100ms -- sh -c '" +
                   kLeaveDaemon + " mount -t tmpfs none /proc'"),
      125);
  EXPECT_THAT(Output(), HasSubstr("something is left, and what cannot be told"));
}

TEST_F(CliRunTest, ClosedDescriptorsStayClosed) {
  const std::string look = "for fd in 0 1; do [ ! -e /proc/self/fd/$fd ] || echo open $fd >&2; done";
  Program program({"/bin/sh", "-c",
                   std::string("exec '") + CURFEW_PROGRAM + "' run --resources=off -- sh -c '" + look + "' <&- >&-"},
                  {}, output_);
  EXPECT_EQ(Code(program), 0);
  EXPECT_EQ(Output(), "");
  Program report(
      {"/bin/sh", "-c", std::string("exec '") + CURFEW_PROGRAM + "' run --resources=off --json=- -- true >&-"}, {},
      output_);
  EXPECT_EQ(Code(report), 125) << "a report that nobody can have read";
  EXPECT_THAT(Output(), HasSubstr("failed to write to standard output"));
}

TEST_F(CliRunTest, ACommandThatIsStoppedIsTimedOutAllTheSame) {
  EXPECT_EQ(Run({"--timeout=300ms", "--grace=10s"}, "kill -STOP $$; sleep 200"), 124);
  EXPECT_THAT(Output(), HasSubstr("still running after its timeout of 300 ms"));
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

// As Ctrl-Z does: while the job is stopped its time stands still.
TEST_F(CliRunTest, WhileJobControlHasStoppedTheCommandItsTimeDoesNotRun) {
  // A shell with job control: the kernel stops nobody by SIGTSTP who has no shell to go on by (setpgid(2), orphaned
  // groups).
  const std::string job = std::string("set -m; '") + CURFEW_PROGRAM +
                          "' run --resources=off --timeout=1s -- sh -c 'echo ready; kill -TSTP $$; exit 4' & " +
                          "echo front $!; wait -f $!; exit $?";
  Program shell({"/bin/bash", "-c", job}, {{Truth::kVariable, truth_.token()}, {"TMPDIR", directory_.path()}}, output_);
  ASSERT_TRUE(Says("ready") && Says("front "));
  const pid_t front = std::stoi(Output().substr(Output().find("front ") + 6));
  const auto stopped = [front] {
    const auto stat = procfs::Proc().ReadStat(front);
    return stat && stat->state == 'T';
  };
  ASSERT_TRUE(Eventually(stopped)) << "the job is to be seen as stopped";
  // By the end of another with the same time, begun only now, this one's would be over, too.
  Program other({CURFEW_PROGRAM, "run", "--resources=off", "--timeout=1s", "--", "sleep", "60"},
                {{"TMPDIR", directory_.path()}});
  EXPECT_EQ(Code(other), 124);
  EXPECT_TRUE(stopped()) << "its time-out would have continued it";
  truth_.SignalAll(SIGCONT);
  EXPECT_EQ(Code(shell), 4) << Output();
}

TEST_F(CliRunTest, AProcessThatTwoRunsFoundIsToldOnce) {
  const auto report = directory_.path() + "/r.json";
  EXPECT_EQ(Run({"--report=" + report}, std::string("'") + CURFEW_PROGRAM +
                                            "' run --resources=off --keep --leaks=warn -- sh -c '" + kLeaveDaemon +
                                            "' 2>/dev/null; true"),
            86);
  EXPECT_THAT(Output(), AllOf(HasSubstr("1 process leaked, found when"), Not(HasSubstr("found by the runs inside")),
                              Not(HasSubstr("--keep asks"))));
  EXPECT_THAT(ReadFile(report), AllOf(HasSubstr("\"leaks\": 1,"), Not(HasSubstr("kept, as --keep asks"))));
  EXPECT_THAT(truth_.Alive(), IsEmpty()) << truth_.Describe();
}

TEST_F(CliRunTest, ADirectoryThatIsGoneIsNoHindrance) {
  const auto gone = directory_.path() + "/gone";
  Program program({"/bin/sh", "-c",
                   "mkdir '" + gone + "'; cd '" + gone + "'; rmdir '" + gone + "'; exec '" + CURFEW_PROGRAM +
                       "' run --resources=off -- sh -c 'exit 6'"},
                  {{"TMPDIR", "relative"}}, output_);
  EXPECT_EQ(Code(program), 6) << Output();
}

TEST_F(CliRunTest, ASuppressionsFileThatIsADirectoryIsWrongUsage) {
  EXPECT_EQ(Run({"--suppressions=" + directory_.path()}, "echo began"), 2);
  EXPECT_THAT(Output(), AllOf(HasSubstr("--suppressions: " + directory_.path() + ": cannot be read: is a directory"),
                              Not(HasSubstr("began"))));
}

TEST_F(CliRunTest, JournalIsKeptWhereArtifactsAre) {
  const auto artifacts = directory_.path() + "/artifacts";
  EXPECT_EQ(Run({}, kLeaveDaemon, {{"CURFEW_ARTIFACTS", artifacts}}), 86);
  std::string journal;
  for (const auto& entry : std::filesystem::directory_iterator(artifacts)) journal += ReadFile(entry.path());
  EXPECT_THAT(journal, AllOf(HasSubstr("\"run_begin\""), HasSubstr("\"leak\""), HasSubstr("\"run_end\"")));
}

TEST_F(CliRunTest, ARunInsideTellsTheOneAroundItWhereverItsJournalIsKept) {
  const auto artifacts = directory_.path() + "/artifacts";
  const std::string inside = std::string(CURFEW_PROGRAM) + " run --resources=off -- sh -c '" + kLeaveDaemon + "'; true";
  EXPECT_EQ(Run({}, inside), 86);
  EXPECT_EQ(Run({}, inside, {{"CURFEW_ARTIFACTS", artifacts}}), 86);
  const std::filesystem::directory_iterator kept(artifacts);
  EXPECT_EQ(std::distance(begin(kept), end(kept)), 2) << "each has kept its own";
}

// What is in the directory of journals is written by whatever runs there.
TEST_F(CliRunTest, WildJournalsNeitherHoldItUpNorCostTheCommandItsStatus) {
  const std::string begin = R"({"event":"run_begin","run":"cf0123456789","pid":1,"command":[],"time_ms":1})";
  const std::string stateless =
      R"({"event":"leak","time_ms":2,"leak":{"server":"","test":"","escapes":[],"evidence":[],"reaped":true,"why_alive":"",)"
      R"("process":{"pid":1,"parent":1,"group":1,"session":1,"uid":0,"state":"","name":"","command":[],"cwd":"","ports":[],)"
      R"("start_ticks":1,"started_ns":1}}})";
  EXPECT_EQ(
      Run({"--json=" + directory_.path() + "/json"}, "mkfifo $CURFEW_JOURNALS/pipe.jsonl; printf '%s\\n' '" + begin +
                                                         "' '" + stateless + "' >$CURFEW_JOURNALS/x.jsonl; exit 3"),
      3);
  EXPECT_THAT(ReadFile(directory_.path() + "/json"), HasSubstr("cf0123456789"));
  EXPECT_THAT(Directories(), IsEmpty());
}

TEST_F(CliRunTest, AnAnnotationBeginsALine) {
  EXPECT_EQ(Run({"--github"}, std::string("printf 'no end'; ") + kLeaveDaemon), 86);
  EXPECT_THAT(Output(), AllOf(HasSubstr("no end\n"), ContainsRegex("\n::error [^\n]*1 leaked by the command")));
}

// More than a socket takes at once, so that the guardian has to wait for its reader.
TEST_F(CliRunTest, LeaksWithLongCommandsAreToldToAFrontThatWasStopped) {
  ASSERT_EQ(::mkfifo((directory_.path() + "/go").c_str(), 0600), 0);
  auto program =
      Start({},
            "long=$(printf '%9000s' 0 | tr ' ' 0); for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 "
            "21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do "
            "setsid sleep 200 $long </dev/null >/dev/null 2>&1 & done; echo begun; read go <" +
                directory_.path() + "/go");
  ASSERT_TRUE(Says("begun"));
  program->Signal(SIGSTOP);
  std::ofstream(directory_.path() + "/go") << "go\n";
  // The front and the guardian are left; and then more time than the guardian used to give.
  ASSERT_TRUE(Eventually([this] { return truth_.Alive().size() <= 2; })) << truth_.Describe();
  const auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(
      Eventually([since] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(1500); }));
  program->Signal(SIGCONT);
  EXPECT_EQ(Code(*program), 86);
  EXPECT_THAT(Output(), AllOf(HasSubstr("40 processes leaked"), Not(HasSubstr("killed from outside"))));
}

}  // namespace
}  // namespace curfew::testing_support
