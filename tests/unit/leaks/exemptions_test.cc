// SPDX-License-Identifier: Apache-2.0
#include "leaks/exemptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaks/exemption_file.h"

namespace curfew::leaks {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Leak LeakOf(pid_t pid, std::vector<std::string> command) {
  Leak leak;
  leak.process.pid = pid;
  leak.process.command = std::move(command);
  return leak;
}

bool Exempts(const IgnoreLeaks& exemption, Leak leak) {
  Exemptions exemptions;
  const auto wrong = exemptions.Add(exemption, "here");
  EXPECT_EQ(wrong, std::nullopt) << *wrong;
  std::vector<Leak> leaks = {std::move(leak)};
  exemptions.Apply(leaks);
  return leaks[0].exempted == exemption.reason && !exemption.reason.empty();
}

TEST(ExemptionsTest, MatchesTheWholeCommandByGlobOrAPartByExpression) {
  const auto leak = LeakOf(1, {"java", "-cp", "x", "GradleDaemon", "7.4"});
  EXPECT_TRUE(Exempts({.command = "*GradleDaemon*", .exe = "", .mark = "", .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "GradleDaemon", .exe = "", .mark = "", .reason = "r"}, leak));
  EXPECT_TRUE(Exempts({.command = "/Gradle.aemon 7/", .exe = "", .mark = "", .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "/^Gradle/", .exe = "", .mark = "", .reason = "r"}, leak));
}

TEST(ExemptionsTest, EverythingGivenHasToFit) {
  auto leak = LeakOf(1, {"epmd", "-daemon"});
  leak.process.exe = "/usr/bin/epmd";
  leak.process.ports = {4369};
  leak.test = "Kv.Pings";
  leak.server = "node";
  EXPECT_TRUE(
      Exempts({.command = "epmd*", .exe = "/usr/bin/epmd", .mark = "Kv.*/node", .port = 4369, .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "epmd*", .exe = "", .mark = "", .port = 4370, .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "epmd*", .exe = "/bin/epmd", .mark = "", .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "", .exe = "", .mark = "Kv.Other/*", .reason = "r"}, leak));
}

TEST(ExemptionsTest, WildCommandLinesAreText) {
  const auto leak = LeakOf(1, {"evil\n\xff*", "[a]"});
  EXPECT_TRUE(Exempts({.command = "/evil\\n/", .exe = "", .mark = "", .reason = "r"}, leak));
  EXPECT_FALSE(Exempts({.command = "other*", .exe = "", .mark = "", .reason = "r"}, leak));
}

TEST(ExemptionsTest, NeedsAReasonAndSomethingToMatchAndAPatternThatIsOne) {
  Exemptions exemptions;
  EXPECT_THAT(*exemptions.Add({.command = "x", .exe = "", .mark = "", .reason = " "}, "s"), HasSubstr("reason"));
  EXPECT_THAT(*exemptions.Add({.command = "", .exe = "", .mark = "", .reason = "r"}, "s"),
              HasSubstr("something to match"));
  EXPECT_THAT(*exemptions.Add({.command = "/(/", .exe = "", .mark = "", .reason = "r"}, "s"),
              HasSubstr("no regular expression"));
  EXPECT_TRUE(exemptions.empty());
}

TEST(ExemptionsTest, WhatAnExemptedProcessBeganIsExemptedWithIt) {
  Exemptions exemptions;
  ASSERT_EQ(exemptions.Add({.command = "daemon", .exe = "", .mark = "", .reason = "r"}, "s"), std::nullopt);
  std::vector<Leak> leaks = {LeakOf(3, {"grandchild"}), LeakOf(2, {"child"}), LeakOf(1, {"daemon"}),
                             LeakOf(9, {"other"})};
  leaks[0].process.parent = 2;
  leaks[1].process.parent = 1;
  exemptions.Apply(leaks);
  EXPECT_EQ(leaks[0].exempted, "r");
  EXPECT_EQ(leaks[1].exempted, "r");
  EXPECT_EQ(leaks[3].exempted, "");
}

TEST(ExemptionsTest, UnusedOnesAreNamed) {
  Exemptions exemptions;
  ASSERT_EQ(exemptions.Add({.command = "used", .exe = "", .mark = "", .reason = "r1"}, "a:1"), std::nullopt);
  ASSERT_EQ(exemptions.Add({.command = "never", .exe = "", .mark = "", .port = 7, .reason = "r2"}, "a:2"),
            std::nullopt);
  std::vector<Leak> leaks = {LeakOf(1, {"used"})};
  exemptions.Apply(leaks);
  EXPECT_THAT(exemptions.Unused(), ElementsAre("a:2: command=never port=7 (r2)"));
}

TEST(ExemptionsTest, ReadyMadeOnesMatchWhatTheyAreFor) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"epmd", {"/usr/lib/erlang/erts/bin/epmd", "-daemon"}},
      {"ssh-agent", {"ssh-agent", "-s"}},
      {"gpg-agent", {"gpg-agent", "--homedir", "/x", "--use-standard-socket", "--daemon"}},
      {"sccache", {"/opt/bin/sccache"}},
      {"gradle-daemon", {"/usr/bin/java", "-cp", "g.jar", "org.gradle.launcher.daemon.bootstrap.GradleDaemon", "8.5"}},
  };
  for (const auto& [name, command] : cases) {
    Exemptions exemptions;
    ASSERT_EQ(exemptions.AddReadyMade(name), std::nullopt);
    std::vector<Leak> leaks = {LeakOf(1, command), LeakOf(2, {"my_" + name + "_test"}), LeakOf(3, {"sh", "-c", "x"})};
    exemptions.Apply(leaks);
    EXPECT_NE(leaks[0].exempted, "") << name;
    EXPECT_EQ(leaks[1].exempted, "") << name;
    EXPECT_EQ(leaks[2].exempted, "") << name;
  }
  Exemptions exemptions;
  EXPECT_THAT(*exemptions.AddReadyMade("everything"), AllOf(HasSubstr("everything"), HasSubstr("gradle-daemon")));
}

TEST(ExemptionFileTest, ReadsLinesWithReasons) {
  Exemptions exemptions;
  const auto errors = ParseExemptions(
      "# What may stay.\n\n  command:*GradleDaemon*   # shared by every build\n"
      "exe:/usr/bin/epmd port:4369 # Erlang's\r\n"
      "command:\"/my # daemon( |$)/\" # quoted",
      "curfew.supp", exemptions);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_THAT(exemptions.Unused(),
              ElementsAre("curfew.supp:3: command=*GradleDaemon* (shared by every build)",
                          "curfew.supp:4: exe=/usr/bin/epmd port=4369 (Erlang's)",
                          "curfew.supp:5: command=/my # daemon( |$)/ (quoted)"));
}

TEST(ExemptionFileTest, ErrorsNameFileAndLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"command:x", "no reason"},         {"command:x #  ", "no reason"},     {"# r", ""},
      {"color:blue # r", "no kind"},      {"command # r", "KIND:PATTERN"},    {"port:0 # r", "no port"},
      {"port:70000 # r", "no port"},      {"port:x # r", "no port"},          {"command:\"x # r", "quotation"},
      {"command:a command:b # r", "twice"}, {"command:/(/ # r", "expression"}, {"command: # r", "KIND:PATTERN"},
  };
  for (const auto& [line, text] : cases) {
    Exemptions exemptions;
    const auto errors = ParseExemptions("\n" + line + "\ncommand:fine # r\n", "my.supp", exemptions);
    if (text.empty()) {
      EXPECT_THAT(errors, IsEmpty());
      continue;
    }
    ASSERT_THAT(errors, SizeIs(1)) << line;
    EXPECT_THAT(errors[0], AllOf(HasSubstr("my.supp:2: "), HasSubstr(text)));
    EXPECT_THAT(exemptions.Unused(), SizeIs(1));
  }
}

TEST(ExemptionFileTest, FileThatCannotBeReadIsAnError) {
  Exemptions exemptions;
  EXPECT_THAT(ReadExemptions("/no/such/file.supp", exemptions), ElementsAre(HasSubstr("ENOENT")));
}

}  // namespace
}  // namespace curfew::leaks
