// SPDX-License-Identifier: Apache-2.0
// Each mechanism carries its promise: with it switched off the promise breaks, or another one is seen to stand
// in for it. Without these tests the others could pass for the wrong reason.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "containment/cgroup_home.h"
#include "process/names.h"
#include "process/seal.h"
#include "processes.h"

namespace curfew {
namespace {

using testing_support::Eventually;
using testing_support::Program;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;
using testing_support::Truth;

class Mechanisms : public testing::Test {
 protected:
  Program Start(const std::string& ending, const std::string& sample, const std::string& disabled) {
    return Program({CURFEW_VICTIM, ending, sample, touched_},
                   {{Truth::kVariable, truth_.token()},
                    {"TMPDIR", directory_.path()},
                    {"CURFEW_TEST_DISABLE", disabled}});
  }
  bool AwaitUp() {
    return Eventually([this] { return std::filesystem::exists(touched_); });
  }
  // Whoever of the living has this name: "curfew-warden".
  std::vector<pid_t> Named(const std::string& name) const {
    std::vector<pid_t> found;
    for (const pid_t pid : truth_.Alive()) {
      if (ReadFile("/proc/" + std::to_string(pid) + "/comm") == name + "\n") found.push_back(pid);
    }
    return found;
  }
  void Kill(const std::string& name) {
    const auto found = Named(name);
    ASSERT_EQ(found.size(), 1U) << truth_.Describe();
    auto pidfd = process::Pidfd::Open(found.front());
    ASSERT_TRUE(pidfd.ok());
    ASSERT_EQ(Named(name), found);  // still the one that was meant, now pinned
    ASSERT_EQ(pidfd->Signal(SIGKILL), 0);
  }
  // One of each name, stopped at one time, so that none of them sees another's death.
  std::vector<process::Pidfd> Stop(const std::vector<std::string>& names) {
    std::vector<process::Pidfd> stopped;
    for (const auto& name : names) {
      const auto found = Named(name);
      EXPECT_EQ(found.size(), 1U) << truth_.Describe();
      if (found.size() == 1) stopped.push_back(std::move(*process::Pidfd::Open(found.front())));
    }
    for (const auto& process : stopped) EXPECT_EQ(process.Signal(SIGSTOP), 0);
    return stopped;
  }
  void KillAtOnce(const std::vector<std::string>& names) {
    for (const auto& process : Stop(names)) ASSERT_EQ(process.Signal(SIGKILL), 0);
  }
  // Lets a program go that awaits it.
  void Go() const { std::ofstream(touched_ + ".go") << "\n"; }
  // Nothing but these is left, and stays: everybody else has had the time to end.
  void ExpectSurvivor(const std::string& name) {
    EXPECT_TRUE(Eventually([&] { return Named("curfew-keeper").empty() && Named("curfew-warden").empty(); }));
    EXPECT_FALSE(Named(name).empty()) << "nothing survived: the mechanism under test does not matter";
  }
  ~Mechanisms() override { truth_.EndAll(); }

  static bool CgroupsHere() { return containment::FindOwnCgroup().ok(); }

  Truth truth_;
  TemporaryDirectory directory_;
  std::string touched_ = directory_.path() + "/up";
};

// A daemon is adopted by its warden because that is a subreaper; the tag finds it even so, and the cgroup holds it.
TEST_F(Mechanisms, DaemonSurvivesWithoutSubreaperTagAndCgroup) {
  Program victim = Start("hang", "double_fork_daemon", "subreaper,tag,cgroup");
  ASSERT_TRUE(AwaitUp());
  victim.Signal(SIGKILL);
  ExpectSurvivor("double_fork_dae");
}

TEST_F(Mechanisms, EachOfSubreaperTagAndCgroupIsEnough) {
  for (const auto* disabled : {"subreaper,cgroup", "tag,cgroup", "subreaper,tag"}) {
    if (!CgroupsHere() && std::string(disabled) == "subreaper,tag") continue;
    std::filesystem::remove(touched_);
    Program victim = Start("hang", "double_fork_daemon", disabled);
    ASSERT_TRUE(AwaitUp());
    victim.Signal(SIGKILL);
    EXPECT_TRUE(truth_.AwaitNothing()) << "without " << disabled << ": " << truth_.Describe();
  }
}

// A fork of the test program keeps the control socket open; only the pidfd tells that the program is dead.
TEST_F(Mechanisms, ForkedChildHidesTheDeathWithoutPidfd) {
  Program victim = Start("fork_and_hang", "tcp_echo", "pidfd");
  ASSERT_TRUE(AwaitUp());
  ASSERT_TRUE(Eventually([this] { return Named("victim").size() == 2; })) << truth_.Describe();
  victim.Signal(SIGKILL);
  ASSERT_TRUE(victim.Wait());
  // With the watch this takes milliseconds (endings_test); without it the server is up for as long as the fork is.
  EXPECT_FALSE(truth_.AwaitNothing(std::chrono::seconds(2)));
  EXPECT_EQ(Named("tcp_echo").size(), 1U) << truth_.Describe();
}

// The stray of a test body is found after the program's death by its tag; it has no mark to be seen and no parent.
TEST_F(Mechanisms, StraySurvivesTheProgramWithoutTag) {
  Program victim = Start("stray_and_hang", "tcp_echo", "tag");
  ASSERT_TRUE(AwaitUp());
  ASSERT_TRUE(Eventually([this] { return Named("sleep").size() == 1; })) << truth_.Describe();
  victim.Signal(SIGKILL);
  ExpectSurvivor("sleep");
}

// A warden killed by its server: the keeper is the second subreaper and reaps what it left.
TEST_F(Mechanisms, KeeperReapsTheTreeOfAKilledWarden) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-warden"));
  EXPECT_TRUE(Eventually([this] { return Named("double_fork_dae").empty(); })) << truth_.Describe();
}

TEST_F(Mechanisms, WardensStopTheirTreesWhenTheKeeperIsKilled) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-keeper"));
  EXPECT_TRUE(Eventually([&] { return truth_.Alive() == std::vector<pid_t>{victim.pid()}; })) << truth_.Describe();
}

// A server may stop whoever answers for it just when nobody else is left.
TEST_F(Mechanisms, AStoppedKeeperWakesItself) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  static_cast<void>(Stop({"curfew-keeper"}));
  for (const auto& process : Stop({"curfew-warden", "victim"})) ASSERT_EQ(process.Signal(SIGKILL), 0);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

TEST_F(Mechanisms, AStoppedWardenWakesItself) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  static_cast<void>(Stop({"curfew-warden"}));
  for (const auto& process : Stop({"curfew-keeper", "victim"})) ASSERT_EQ(process.Signal(SIGKILL), 0);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

TEST_F(Mechanisms, AStoppedWardenStaysSoWithoutItsTimer) {
  Program victim = Start("hang", "double_fork_daemon", "wake");
  ASSERT_TRUE(AwaitUp());
  // Stopped for good, keeper first: it would wake its warden.
  const auto stopped = Stop({"curfew-keeper", "victim", "curfew-warden"});
  ASSERT_EQ(stopped.at(0).Signal(SIGKILL), 0);
  ASSERT_EQ(stopped.at(1).Signal(SIGKILL), 0);
  ASSERT_TRUE(Eventually([this] { return Named("curfew-keeper").empty(); }));
  EXPECT_FALSE(truth_.AwaitNothing(std::chrono::seconds(2)));
  EXPECT_EQ(Named("curfew-warden").size(), 1U) << truth_.Describe();
  static_cast<void>(stopped.at(2).Signal(SIGCONT));
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

TEST_F(Mechanisms, TheProgramWakesAWardenWhoseKeeperIsDead) {
  Program victim = Start("await_and_return", "tcp_echo", "wake");
  ASSERT_TRUE(AwaitUp());
  ASSERT_EQ(Stop({"curfew-keeper", "curfew-warden"}).front().Signal(SIGKILL), 0);
  ASSERT_TRUE(Eventually([this] { return Named("curfew-keeper").empty(); }));
  ASSERT_EQ(Named("tcp_echo").size(), 1U) << "its warden was not stopped: " << truth_.Describe();
  Go();
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

// With its keeper and its warden killed the program is the last that knows of the cgroup.
TEST_F(Mechanisms, TheProgramRemovesTheCgroupOfAKilledKeeperAndWarden) {
  if (!CgroupsHere()) GTEST_SKIP() << containment::FindOwnCgroup().failure().ToString();
  Program victim = Start("await_and_return", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  const auto leaves = [] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(*containment::FindOwnCgroup())) {
      if (entry.path().filename().string().starts_with("curfew-")) names.insert(entry.path().filename());
    }
    return names;
  };
  const auto run =
      ReadFile("/proc/" + std::to_string(Named("curfew-keeper").at(0)) + "/cmdline").substr(sizeof "curfew-keeper", 12);
  const auto ours = [&] {
    auto names = leaves();
    std::erase_if(names, [&](const std::string& name) { return name.find(run) == std::string::npos; });
    return names;
  };
  EXPECT_EQ(ours().size(), 1U) << run;
  ASSERT_NO_FATAL_FAILURE(KillAtOnce({"curfew-keeper", "curfew-warden"}));
  Go();
  ASSERT_TRUE(victim.Wait());
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
  EXPECT_EQ(ours(), std::set<std::string>());
}

TEST_F(Mechanisms, TheProgramReapsAfterAKilledKeeperAndWardenByTagOrLeaf) {
  for (const auto* disabled : {"cgroup", "tag", "tag,cgroup"}) {
    if (!CgroupsHere() && std::string(disabled) == "tag") continue;
    std::filesystem::remove(touched_);
    std::filesystem::remove(touched_ + ".go");
    Program victim = Start("await_and_return", "double_fork_daemon", disabled);
    ASSERT_TRUE(AwaitUp());
    ASSERT_NO_FATAL_FAILURE(KillAtOnce({"curfew-keeper", "curfew-warden"}));
    Go();
    ASSERT_TRUE(victim.Wait());
    if (std::string(disabled) == "tag,cgroup") {
      ExpectSurvivor("double_fork_dae");
    } else {
      EXPECT_TRUE(truth_.AwaitNothing()) << "without " << disabled << ": " << truth_.Describe();
    }
  }
}

// All three at once: nobody is left to reap. The leader dies with its warden; what it had forked is found by the next
// run, which takes the leaf that nobody answers for.
TEST_F(Mechanisms, TheNextRunReapsWhatAKilledRunHasLeft) {
  if (!CgroupsHere()) GTEST_SKIP() << containment::FindOwnCgroup().failure().ToString();
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(KillAtOnce({"victim", "curfew-keeper", "curfew-warden"}));
  Program next({CURFEW_VICTIM, "return", "tcp_echo"}, {{"TMPDIR", directory_.path()}});
  ASSERT_TRUE(next.Wait());
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

TEST_F(Mechanisms, WithoutCgroupsWhatAKilledRunHasLeftLivesOn) {
  Program victim = Start("hang", "double_fork_daemon", "cgroup");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(KillAtOnce({"victim", "curfew-keeper", "curfew-warden"}));
  Program next({CURFEW_VICTIM, "return", "tcp_echo"}, {{"TMPDIR", directory_.path()}});
  ASSERT_TRUE(next.Wait());
  ExpectSurvivor("double_fork_dae");
}

// A seal needs nobody: its init ends with the warden, and the kernel ends the rest.
TEST_F(Mechanisms, ASealHoldsAloneAndOutlivesNobody) {
  if (const auto seal = process::Seal::Make(); seal.ok()) {
    seal->End();
  } else {
    GTEST_SKIP() << seal.failure().ToString();
  }
  for (const bool at_once : {false, true}) {
    std::filesystem::remove(touched_);
    Program victim({CURFEW_VICTIM, "hang", "double_fork_daemon", touched_},
                   {{Truth::kVariable, truth_.token()},
                    {"TMPDIR", directory_.path()},
                    {"CURFEW_CONTAINMENT", "sealed"},
                    {"CURFEW_TEST_DISABLE", "subreaper,tag,cgroup"}});
    ASSERT_TRUE(AwaitUp());
    if (at_once) {
      ASSERT_NO_FATAL_FAILURE(KillAtOnce({"victim", "curfew-keeper", "curfew-warden"}));
    } else {
      victim.Signal(SIGKILL);
    }
    EXPECT_TRUE(truth_.AwaitNothing()) << (at_once ? "with keeper and warden: " : "") << truth_.Describe();
  }
}

// What was asked for and cannot be had is an error that says why. Nothing is quietly less.
TEST_F(Mechanisms, ContainmentThatCannotBeHadIsNamed) {
  const std::string output = directory_.path() + "/output";
  const auto run = [&](const std::string& level, const std::string& line) {
    std::filesystem::remove(output);
    Program victim({"/bin/sh", "-c", line, "sh", CURFEW_VICTIM, "return", "tcp_echo"},
                   {{Truth::kVariable, truth_.token()}, {"TMPDIR", directory_.path()}, {"CURFEW_CONTAINMENT", level}},
                   output);
    EXPECT_TRUE(victim.Wait());
    return ReadFile(output);
  };
  EXPECT_NE(run("clever", "exec \"$@\"").find("CURFEW_CONTAINMENT=clever is none of auto, basic, cgroup and sealed"),
            std::string::npos);
  // A user namespace of our own, in which we may forbid PID namespaces and own no cgroup.
  const std::string inside =
      "exec unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_pid_namespaces && exec \"$@\"' sh \"$@\"";
  const auto sealed = run("sealed", inside);
  if (sealed.find("unshare failed") != std::string::npos) GTEST_SKIP() << sealed;
  EXPECT_NE(sealed.find("could not launch it: seal it: make a PID namespace: ENOSPC"), std::string::npos) << sealed;
  EXPECT_NE(sealed.find("try         user namespaces may be switched off here"), std::string::npos) << sealed;
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
  if (::geteuid() == 0) return;  // who may write to any cgroup
  const auto cgroup = run("cgroup", "exec \"$@\"");
  if (CgroupsHere()) return;
  EXPECT_NE(cgroup.find("contain it in a cgroup, as CURFEW_CONTAINMENT=cgroup asks: "), std::string::npos) << cgroup;
  EXPECT_NE(cgroup.find("try         CURFEW_CONTAINMENT=auto"), std::string::npos) << cgroup;
}

// A leaf of another user's making, delegated to us as systemd does it for a user's slice.
TEST_F(Mechanisms, AnUnprivilegedUserHasHisCgroupsWhereOneIsDelegatedToHim) {
  if (::geteuid() != 0 || !CgroupsHere()) GTEST_SKIP() << "takes root, to delegate a cgroup";
  ASSERT_EQ(::chown(directory_.path().c_str(), 65534, 65534), 0);
  const auto reachable = [](const std::filesystem::path& path) {
    return (std::filesystem::status(path).permissions() & std::filesystem::perms::others_exec) !=
           std::filesystem::perms::none;
  };
  for (auto path = std::filesystem::path(directory_.path()).parent_path(); path != "/"; path = path.parent_path()) {
    if (!reachable(path)) GTEST_SKIP() << path << " is closed to other users";
  }
  const auto slice = *containment::FindOwnCgroup() / ("delegated-" + truth_.token());
  ASSERT_TRUE(std::filesystem::create_directory(slice));
  for (const auto* name : {"", "cgroup.procs", "cgroup.subtree_control"}) {
    ASSERT_EQ(::chown((slice / name).c_str(), 65534, 65534), 0) << name;
  }
  const std::string enter = "echo 0 > '" + slice.string() +
                            "/cgroup.procs' && exec setpriv --reuid=65534 --regid=65534 " + "--clear-groups \"$@\"";
  Program victim({"/bin/sh", "-c", enter, "sh", CURFEW_VICTIM, "hang", "double_fork_daemon", touched_},
                 {{Truth::kVariable, truth_.token()},
                  {"TMPDIR", directory_.path()},
                  {"CURFEW_CONTAINMENT", "cgroup"},
                  {"CURFEW_TEST_DISABLE", "subreaper,tag"}});
  EXPECT_TRUE(AwaitUp());
  EXPECT_FALSE(Named("double_fork_dae").empty()) << truth_.Describe();
  victim.Signal(SIGKILL);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
  EXPECT_TRUE(Eventually([&slice] { return ::rmdir(slice.c_str()) == 0; })) << "a leaf is left in " << slice;
}

TEST_F(Mechanisms, NothingIsLeftWhenKeeperAndProgramAreKilledTogether) {
  Program victim = Start("hang", "double_fork_daemon", "");
  ASSERT_TRUE(AwaitUp());
  ASSERT_NO_FATAL_FAILURE(Kill("curfew-keeper"));
  victim.Signal(SIGKILL);
  EXPECT_TRUE(truth_.AwaitNothing()) << truth_.Describe();
}

}  // namespace
}  // namespace curfew
