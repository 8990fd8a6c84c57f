// SPDX-License-Identifier: Apache-2.0
#include "readiness/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "readiness/tls_client.h"

namespace curfew::readiness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Optional;

const ServerAddress kAddress{.host = "127.0.0.1", .ports = {{"", 0}, {"admin", 0}}, .dir = "/tmp/server"};

std::optional<std::string> Problem(const Ready& ready) {
  return FindProblem(ready, kAddress);
}
auto Says(const std::string& one, const std::string& two) {
  return Optional(AllOf(HasSubstr("ready: Ready::"), HasSubstr(one), HasSubstr(two)));
}

TEST(FindProblemTest, FindsNoneInSoundReadies) {
  const auto yes = [](const ServerAddress&) { return true; };
  for (const Ready& ready :
       {Ready::Tcp(), Ready::Tcp("admin"), Ready::Http(), Ready::Http("/a?b=c%20d", {.port = "admin"}),
        Ready::Unix("/tmp/s"), Ready::Unix("relative"), Ready::Log("ready|up"), Ready::File("pid"),
        Ready::When(yes), Ready::All({}), Ready::Any({Ready::Tcp(), Ready::File("x")})}) {
    EXPECT_EQ(Problem(ready), std::nullopt);
  }
}

TEST(FindProblemTest, NamesTheRegexThatDoesNotCompileAndWhy) {
  EXPECT_THAT(Problem(Ready::Log("up (")), Says("Log(\"up (\")", "missing )"));
}

TEST(FindProblemTest, NamesThePortThatNobodyAskedFor) {
  EXPECT_THAT(Problem(Ready::Tcp("metrics")), Says("Tcp(\"metrics\")", "{port:metrics}"));
  EXPECT_THAT(Problem(Ready::Http("/", {.port = "metrics"})), Says("Http(\"/\")", "{port:metrics}"));
  EXPECT_THAT(FindProblem(Ready::Tcp(), ServerAddress{}), Says("Tcp", "{port}"));
}

TEST(FindProblemTest, MeasuresUnixPathsAsTheyWillBeUsed) {
  EXPECT_EQ(Problem(Ready::Unix("/" + std::string(106, 's'))), std::nullopt);
  EXPECT_THAT(Problem(Ready::Unix("/" + std::string(107, 's'))), Says("108 bytes", "107"));
  EXPECT_THAT(Problem(Ready::Unix(std::string(100, 's'))), Says("112 bytes", "/tmp/server/"));
}

TEST(FindProblemTest, RefusesPathsThatCannotBe) {
  EXPECT_THAT(Problem(Ready::Unix("")), Says("Unix", "path"));
  EXPECT_THAT(Problem(Ready::File("")), Says("File", "path"));
  EXPECT_THAT(Problem(Ready::File(std::string("a\0b", 3))), Says("File", "NUL"));
}

TEST(FindProblemTest, RefusesHttpPathsThatWouldBreakTheRequest) {
  EXPECT_THAT(Problem(Ready::Http("health")), Says("\"health\"", "begins with '/'"));
  EXPECT_THAT(Problem(Ready::Http("")), Says("Http", "begins with '/'"));
  EXPECT_THAT(Problem(Ready::Http("/a b")), Says("Http", "%XX"));
  EXPECT_THAT(Problem(Ready::Http("/\r\nX-Evil: 1")), Says("Http", "\\x0D\\x0A"));
}

TEST(FindProblemTest, RefusesStatusRangesThatHoldNothing) {
  EXPECT_THAT(Problem(Ready::Http("/", {.status = {{300, 200}}})), Says("300", "200"));
  EXPECT_THAT(Problem(Ready::Http("/", {.status = {{0, 399}}})), Says("0", "399"));
  EXPECT_THAT(Problem(Ready::Http("/", {.status = {{200, 700}}})), Says("200", "700"));
}

TEST(FindProblemTest, RefusesWhatCanNeverHold) {
  EXPECT_THAT(Problem(Ready::When(nullptr)), Says("When", "function"));
  EXPECT_THAT(Problem(Ready::Any({})), Says("Any", "part"));
}

TEST(FindProblemTest, LooksIntoEveryPart) {
  EXPECT_THAT(Problem(Ready::All({Ready::Tcp(), Ready::Any({Ready::Log("[")})})), Says("Log", "["));
}

TEST(ExpandSubjectsTest, ExpandsPathsEverywhereAndNothingElse) {
  const auto expand = [](const std::string& text) { return "<" + text + ">"; };
  const Ready expanded =
      ExpandSubjects(Ready::All({Ready::Unix(), Ready::Any({Ready::File("{dir}/pid"), Ready::Log("{dir}")}),
                                 Ready::Tcp("a"), Ready::Http("/x", {.port = "a", .status = {201}})}),
                     expand);
  ASSERT_EQ(expanded.parts().size(), 4U);
  EXPECT_EQ(expanded.parts()[0].subject(), "<{socket}>");
  EXPECT_EQ(expanded.parts()[1].parts()[0].subject(), "<{dir}/pid>");
  EXPECT_EQ(expanded.parts()[1].parts()[1].subject(), "{dir}") << "braces in a regex are the regex's";
  EXPECT_EQ(expanded.parts()[2].subject(), "a");
  EXPECT_EQ(expanded.parts()[3].http().status.front().first, 201);
  EXPECT_EQ(expanded.parts()[1].kind(), Ready::Kind::kAny);
}

TEST(FindProblemTest, RefusesTimesThatAreNone) {
  EXPECT_THAT(Problem(Ready::TcpAccept("", Duration::zero())), Says("TcpAccept", ".attempt"));
  EXPECT_THAT(Problem(Ready::Http("/", {.attempt = Duration(-1)})), Says("Http", ".attempt"));
  EXPECT_THAT(Problem(Ready::FileSettled("f", Duration::zero())), Says("FileSettled", ".quiet"));
  EXPECT_THAT(Problem(Ready::StaysReady(Ready::Tcp(), Duration::zero())), Says("StaysReady", ".hold"));
  EXPECT_THAT(Problem(Ready::Command({"x"}, {.attempt = Duration::zero()})), Says("Command({\"x\"})", ".attempt"));
  EXPECT_THAT(Problem(Ready::Log("x", {.within = Duration(-1)})), Says("Log", ".within"));
}

TEST(FindProblemTest, RefusesRequestsThatAreNone) {
  EXPECT_THAT(Problem(Ready::Http("/", {.method = "G E T"})), Says(".method", "G E T"));
  EXPECT_THAT(Problem(Ready::Http("/", {.method = "CONNECT"})), Says(".method", "CONNECT"));
  EXPECT_THAT(Problem(Ready::Http("/", {.headers = {{"X:", ""}}})), Says(".headers", "X:"));
  EXPECT_THAT(Problem(Ready::Http("/", {.headers = {{"X", "a\r\nY: b"}}})), Says(".headers", "\\x0D\\x0A"));
  EXPECT_THAT(Problem(Ready::Http("/", {.redirects = -1})), Says(".redirects", "-1"));
  EXPECT_THAT(Problem(Ready::Http("/", {.matches = "("})), Says(".matches", "missing )"));
  EXPECT_THAT(Problem(Ready::Http("/", {.status = {}})), Says(".status", "empty"));
  EXPECT_THAT(Problem(Ready::Http("/", {.unverified = true})), Says("Http", "Https's"));
}

TEST(FindProblemTest, HttpsOfABuildWithoutTlsIsRefused) {
  if (TlsClient::Available()) GTEST_SKIP() << "this build has TLS";
  EXPECT_THAT(Problem(Ready::Https("/", {.unverified = true})), Says("Https", "CURFEW_TLS"));
}

TEST(FindProblemTest, HttpsHasToSayWhomItTrusts) {
  if (!TlsClient::Available()) GTEST_SKIP() << "this build has no TLS";
  EXPECT_THAT(Problem(Ready::Https("/", {})), Says("Https", "ca_file"));
  EXPECT_THAT(Problem(Ready::Https("/", {.ca_file = "/no/such/file", .unverified = true})), Says("Https", "not both"));
  EXPECT_THAT(Problem(Ready::Https("/", {.ca_file = "/no/such/file"})), Says("/no/such/file", "no such file"));
  EXPECT_EQ(Problem(Ready::Https("/", {.ca_file = "ca.pem"})), std::nullopt) << "the server may write it";
  EXPECT_EQ(Problem(Ready::Https("/", {.unverified = true})), std::nullopt);
}

TEST(FindProblemTest, MeasuresAbstractNames) {
  EXPECT_EQ(Problem(Ready::UnixDatagram("@" + std::string(106, 's'))), std::nullopt);
  EXPECT_THAT(Problem(Ready::Unix("@" + std::string(107, 's'))), Says("name of 108 bytes", "107"));
  EXPECT_THAT(Problem(Ready::Unix("@")), Says("Unix", "after the '@'"));
}

TEST(CapturedNamesTest, AreThoseOfEveryLog) {
  EXPECT_THAT(CapturedNames(Ready::All({Ready::Log("(?P<a>x)(y)"),
                                        Ready::StaysReady(Ready::Log("(?P<b>x)"), Duration(1)), Ready::Tcp("c")})),
              ::testing::ElementsAre("a", "b"));
}

TEST(ExpandSubjectsTest, ExpandsWhatHttpAndCommandsSay) {
  const auto expand = [](const std::string& text) { return "<" + text + ">"; };
  const Ready http =
      ExpandSubjects(Ready::Http("/{x}", {.headers = {{"A", "b"}}, .body = "c", .contains = "d"}), expand);
  EXPECT_EQ(http.subject(), "/{x}");
  EXPECT_EQ(http.http().headers.at("A"), "<b>");
  EXPECT_EQ(http.http().body, "<c>");
  EXPECT_EQ(http.http().contains, "<d>");
  const Ready command = ExpandSubjects(Ready::Command({"a", "b"}, {.env = {{"E", "f"}}}), expand);
  EXPECT_THAT(command.argv(), ::testing::ElementsAre("<a>", "<b>"));
  EXPECT_EQ(command.command().env.at("E"), "<f>");
}

TEST(ExpandSubjectsTest, PassesOnWhatExpandThrows) {
  const auto fail = [](const std::string&) -> std::string { throw std::runtime_error("unknown {x}"); };
  EXPECT_THROW(static_cast<void>(ExpandSubjects(Ready::All({Ready::File("{x}")}), fail)), std::runtime_error);
}

}  // namespace
}  // namespace curfew::readiness
