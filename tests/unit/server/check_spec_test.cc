// SPDX-License-Identifier: Apache-2.0
#include "server/check_spec.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <curfew/start_error.h>

namespace curfew::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::string_literals;

// What the refusal says; empty if the spec is accepted.
std::string Refusal(const ServerSpec& spec) {
  try {
    CheckSpec(spec);
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kBadSpec);
    EXPECT_THAT(error.what(), HasSubstr("ServerSpec::"));
    return error.what();
  }
  return "";
}

// A spec with which all is well, for one thing to be made wrong in it.
ServerSpec Good() {
  return {.command = {"server", "--port", "{port}"}};
}

TEST(CheckSpecTest, AcceptsWhatIsRight) {
  EXPECT_EQ(Refusal(Good()), "");
  EXPECT_EQ(Refusal({.shell = "exec server {port} ${HOME} {a,b} {{word}}"}), "");
  auto spec = Good();
  spec.ports = {{"", 65535}};
  spec.env = {{"ADDRESS", "{host}:{port:admin}"}, {"EMPTY", ""}};
  spec.working_dir = "{dir}";
  spec.files = {{"conf.d/server.conf", "socket {socket};"}, {"..conf", ""}};
  spec.stop = {{{SIGINT, 0s}, {SIGRTMAX, 1s}}};
  EXPECT_EQ(Refusal(spec), "");
}

TEST(CheckSpecTest, RefusesNothingToRunAndTwoThings) {
  EXPECT_THAT(Refusal({}), AllOf(HasSubstr("command is empty"), HasSubstr("`shell`")));
  EXPECT_THAT(Refusal({.command = {"true"}, .shell = "true"}),
              AllOf(HasSubstr("shell is \"true\""), HasSubstr("one")));
  EXPECT_THAT(Refusal({.command = {"", "x"}}), HasSubstr("command[0] is \"\""));
}

TEST(CheckSpecTest, RefusesNulWhereverItStands) {
  const auto nul = "a\0b"s;
  EXPECT_THAT(Refusal({.command = {"server", nul}}),
              AllOf(HasSubstr("command[1] is \"a\\x00b\""), HasSubstr("NUL")));
  EXPECT_THAT(Refusal({.shell = nul}), HasSubstr("shell is \"a\\x00b\""));
  auto spec = Good();
  spec.name = nul;
  EXPECT_THAT(Refusal(spec), HasSubstr("name is \"a\\x00b\""));
  spec = Good();
  spec.env = {{"A", nul}};
  EXPECT_THAT(Refusal(spec), HasSubstr("env[\"A\"] is \"a\\x00b\""));
  spec.env = {{nul, ""}};
  EXPECT_THAT(Refusal(spec), HasSubstr("env is \"a\\x00b\""));
  spec = Good();
  spec.working_dir = nul;
  EXPECT_THAT(Refusal(spec), HasSubstr("working_dir is \"a\\x00b\""));
  spec = Good();
  spec.files = {{nul, ""}};
  EXPECT_THAT(Refusal(spec), HasSubstr("files is \"a\\x00b\""));
}

TEST(CheckSpecTest, RefusesUnknownPlaceholderInEveryText) {
  EXPECT_THAT(Refusal({.command = {"server", "{prot}"}}),
              AllOf(HasSubstr("command[1] is \"{prot}\""), HasSubstr("{prot} is no placeholder"),
                    HasSubstr("{{prot}}")));
  EXPECT_THAT(Refusal({.shell = "awk '{print}'"}), AllOf(HasSubstr("shell"), HasSubstr("{{print}}")));
  EXPECT_THAT(Refusal({.shell = "x {host:a}"}), HasSubstr("{host:a} is no placeholder"));
  auto spec = Good();
  spec.env = {{"A", "{what}"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("env[\"A\"]"));
  spec = Good();
  spec.working_dir = "{tmp}";
  EXPECT_THAT(Refusal(spec), HasSubstr("working_dir"));
  spec = Good();
  spec.files = {{"a.conf", "{what}"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("files[\"a.conf\"]"));
}

TEST(CheckSpecTest, RefusesNamesThatCannotBeFilesOrVariables) {
  for (const auto* name : {"a/b", "/", "../x"}) {
    auto spec = Good();
    spec.name = name;
    EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("name is"), HasSubstr("file name"))) << name;
  }
  for (const auto* name : {"", "A=B"}) {
    auto spec = Good();
    spec.env = {{name, ""}};
    EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("env is"), HasSubstr("'='"))) << name;
  }
  for (const auto* name : {"", "/etc/passwd", "..", "../x", "a/../../x", "a/.."}) {
    auto spec = Good();
    spec.files = {{name, ""}};
    EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("files is"), HasSubstr("relative"))) << name;
  }
}

TEST(CheckSpecTest, RefusesPortsOutOfRangeAndUnused) {
  for (const int port : {0, -1, 65536, 1 << 20}) {
    auto spec = Good();
    spec.ports = {{"", port}};
    EXPECT_THAT(Refusal(spec),
                AllOf(HasSubstr("ports[\"\"] is " + std::to_string(port)), HasSubstr("1 to 65535")));
  }
  auto spec = Good();
  spec.ports = {{"admin", 80}};
  EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("ports[\"admin\"] is 80"), HasSubstr("{port:admin}")));
  spec = {.command = {"server", "{{port}}"}, .ports = {{"", 80}}};
  EXPECT_THAT(Refusal(spec), HasSubstr("uses {port}"));
}

TEST(CheckSpecTest, RefusesPortsToDiscoverThatCannotBe) {
  auto spec = Good();
  spec.ports = {{"", Port::Discover(-1)}};
  EXPECT_THAT(Refusal(spec), HasSubstr("ports[\"\"] is Port::Discover(-1)"));
  spec.ports = {{"", Port::Discover()}};
  spec.sockets = {ListenSocket::Tcp()};
  EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("sockets[0]"), HasSubstr("to be discovered")));
}

TEST(CheckSpecTest, TakesPortsToDiscoverThatNothingMentions) {
  auto spec = Good();
  spec.ports = {{"admin", Port::Discover()}, {"rest", Port::Discover([](const Listening&) { return true; })}};
  EXPECT_NO_THROW(CheckSpec(spec));
  EXPECT_THAT(PortNames(spec), testing::IsSupersetOf({"admin", "rest"}));
}

TEST(CheckSpecTest, RefusesSocketsThatCannotBe) {
  auto spec = Good();
  spec.ready = Ready::All({Ready::Activated()});
  EXPECT_THAT(Refusal(spec), HasSubstr("`sockets` is empty"));
  spec.sockets = {ListenSocket::Unix("{socket}", "a:b")};
  EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("sockets[0] is \"a:b\""), HasSubstr("LISTEN_FDNAMES")));
  spec.sockets = {ListenSocket::Unix("{socket}"), ListenSocket::UnixDatagram("")};
  EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("sockets[1]"), HasSubstr("no path")));
  spec.sockets = {ListenSocket::Unix("{sockte}")};
  EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("sockets[0]"), HasSubstr("{sockte}")));
}

TEST(CheckSpecTest, RefusesAbstractNamesInAPrivateNetwork) {
  ServerSpec spec = {.command = {"server"}, .ready = Ready::All({Ready::Unix(), Ready::UnixDatagram("@name")})};
  EXPECT_EQ(Refusal(spec), "");
  spec.network = Network::Private();
  EXPECT_THAT(Refusal(spec),
              AllOf(HasSubstr("ServerSpec::ready is \"@name\""), HasSubstr("the private network's own")));
}

TEST(CheckSpecTest, RefusesNoAttemptsAndTooMany) {
  for (const int attempts : {0, -1, 101}) {
    auto spec = Good();
    spec.port_attempts = attempts;
    EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("port_attempts is " + std::to_string(attempts)), HasSubstr("1 to 100")));
  }
}

TEST(CheckSpecTest, RefusesTimesAndSignals) {
  for (const Duration timeout : {Duration(0), Duration(-1s), Duration::min()}) {
    auto spec = Good();
    spec.ready_timeout = timeout;
    EXPECT_THAT(Refusal(spec), AllOf(HasSubstr("ready_timeout is "), HasSubstr("more than zero")));
  }
  auto spec = Good();
  spec.stop = {{{SIGTERM, 1s}, {SIGINT, -1ms}}};
  EXPECT_THAT(Refusal(spec), HasSubstr("stop.steps[1].grace is -1 ms"));
  for (const int signal : {0, -1, SIGRTMAX + 1}) {
    spec.stop = {{{signal, 1s}}};
    EXPECT_THAT(Refusal(spec), HasSubstr("stop.steps[0].signal is " + std::to_string(signal)));
  }
}

TEST(CheckSpecTest, LongAndWildValuesStayOneShortLine) {
  const auto refusal = Refusal({.command = {"server", "{nope}\n\x1b[31m" + std::string(100000, 'x')}});
  EXPECT_EQ(refusal.find('\n'), std::string::npos);
  EXPECT_EQ(refusal.find('\x1b'), std::string::npos);
  EXPECT_LT(refusal.size(), 1000U);
}

TEST(PortNamesTest, TellsEachPortOnceWhereverItStands) {
  ServerSpec spec{.command = {"server", "{port}", "{port}"},
                  .env = {{"A", "{port:a}"}},
                  .working_dir = "{dir}",
                  .files = {{"f", "{port:f} {{port:no}} ${port:no}"}}};
  EXPECT_THAT(PortNames(spec), ElementsAre("", "a", "f"));
  EXPECT_THAT(PortNames({.command = {"server"}}), IsEmpty());
}

TEST(DisplayNameTest, IsTheSpecsOrTheProgramsOrSh) {
  EXPECT_EQ(DisplayName({.name = "db", .command = {"/usr/bin/redis-server"}}), "db");
  EXPECT_EQ(DisplayName({.command = {"/usr/bin/redis-server"}}), "redis-server");
  EXPECT_EQ(DisplayName({.command = {"redis-server"}}), "redis-server");
  EXPECT_EQ(DisplayName({.shell = "sleep 1"}), "sh");
}

}  // namespace
}  // namespace curfew::server
