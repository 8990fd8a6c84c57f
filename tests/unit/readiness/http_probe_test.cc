// SPDX-License-Identifier: Apache-2.0
#include "readiness/http_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "child.h"
#include "mocks.h"
#include "sockets.h"
#include "temp_proc.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Accept;
using curfew::testing::Listen;
using curfew::testing::PortOf;
using curfew::testing::ReceiveHeader;
using curfew::testing::Send;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The test plays the server by hand, and the probe is looked at in between: no threads, and time is a number.
class HttpProbeTest : public ::testing::Test {
 protected:
  void SetUp() override { ::alarm(60); }  // the test's own calls block
  void TearDown() override { ::alarm(0); }

  HttpProbe MakeProbe(const std::string& path = "/", const Ready::HttpOptions& options = {}) {
    const Subject subject{.address = {.host = "127.0.0.1", .ports = {{"", PortOf(listener_)}}, .dir = {}},
                          .log = {},
                          .deadline = deadline_,
                          .tree = tree_,
                          .proc = &proc_,
                          .listeners = table_.get()};
    return {HttpProbe::Scheme::kHttp, path, options, subject};
  }
  // Looks once the socket has something for the probe.
  Observation LookWhenThereIsNews(HttpProbe& probe) const {
    std::vector<pollfd> descriptors;
    probe.AddDescriptors(descriptors);
    EXPECT_FALSE(descriptors.empty()) << "no attempt is under way";
    ::poll(descriptors.data(), descriptors.size(), descriptors.empty() ? 0 : -1);
    return probe.Look(now_);
  }
  // Lets the probe begin an attempt and reads its request.
  FileDescriptor TakeRequest(HttpProbe& probe, std::string* request = nullptr) const {
    EXPECT_FALSE(probe.Look(now_).satisfied);
    FileDescriptor connection = Accept(listener_);
    pollfd arrived{.fd = connection.get(), .events = POLLIN, .revents = 0};
    while (::poll(&arrived, 1, 0) == 0) static_cast<void>(LookWhenThereIsNews(probe));
    const std::string header = ReceiveHeader(connection);
    if (request != nullptr) *request = header;
    return connection;
  }
  Observation AnswerWith(HttpProbe& probe, const std::string& answer) const {
    const FileDescriptor connection = TakeRequest(probe);
    Send(connection, answer);
    ::shutdown(connection.get(), SHUT_WR);
    Observation seen = LookWhenThereIsNews(probe);
    while (probe.Busy()) seen = LookWhenThereIsNews(probe);
    return seen;
  }
  [[nodiscard]] bool SomebodyConnected() const {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

  procfs::Proc proc_;
  std::unique_ptr<ListenerTable> table_ = MakeListenerTable(proc_);
  curfew::testing::TreeOf self_;
  const TreeView* tree_ = &self_;
  FileDescriptor listener_ = Listen("127.0.0.1");
  Deadline now_{1000s};
  std::optional<Deadline> deadline_;
  const Duration attempt_ = process::Scaled(1s);
};

TEST_F(HttpProbeTest, AsksForThePathAndIsSatisfiedByAnAnswer) {
  HttpProbe probe = MakeProbe("/health?deep=1");
  std::string request;
  const FileDescriptor connection = TakeRequest(probe, &request);
  EXPECT_THAT(request,
              AllOf(StartsWith("GET /health?deep=1 HTTP/1.1\r\n"), HasSubstr("Connection: close\r\n"),
                    HasSubstr("Host: 127.0.0.1:" + std::to_string(PortOf(listener_)) + "\r\n")));
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const Observation seen = LookWhenThereIsNews(probe);
  EXPECT_TRUE(seen.satisfied);
  EXPECT_EQ(seen.saw, "GET /health?deep=1: 200 OK");
  EXPECT_FALSE(probe.Busy());
}

TEST_F(HttpProbeTest, ConnectsToNobodyBeforeTheServerListens) {
  HttpProbe probe = MakeProbe();
  listener_.Reset();
  const Observation seen = probe.Look(now_);
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, AllOf(StartsWith("GET /: port "), HasSubstr("nobody listens")));
  EXPECT_FALSE(probe.Busy());
  EXPECT_EQ(probe.WantsLook(), std::nullopt) << "the wait's own pauses rule";
}

TEST_F(HttpProbeTest, StrangerOnThePortIsNamedAndNotConnectedTo) {
  const curfew::testing::TreeOf nobody(1 << 30);
  tree_ = &nobody;
  HttpProbe probe = MakeProbe();
  const Observation seen = probe.Look(now_);
  ASSERT_TRUE(seen.taken);
  EXPECT_THAT(*seen.taken, HasSubstr("pid " + std::to_string(::getpid())));
  EXPECT_FALSE(SomebodyConnected());
  EXPECT_TRUE(probe.Stranger());
}

TEST_F(HttpProbeTest, ListenerThatIsNotProvableIsPassedOn) {
  const curfew::testing::TempProc hides_descriptors;
  hides_descriptors.Write(std::to_string(::getpid()) + "/stat", curfew::testing::StatText(::getpid(), "server"));
  proc_ = procfs::Proc(hides_descriptors.root());
  HttpProbe probe = MakeProbe();
  const Observation seen = AnswerWith(probe, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(seen.satisfied);
  EXPECT_TRUE(seen.unproven);
  EXPECT_THAT(seen.saw, AllOf(StartsWith("GET /: 200 OK; "), HasSubstr("not provable")));
}

TEST_F(HttpProbeTest, UnwantedStatusMeansNotYet) {
  HttpProbe probe = MakeProbe("/health");
  EXPECT_EQ(AnswerWith(probe, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").saw,
            "GET /health: 503 Service Unavailable");
  now_ += 1s;
  const FileDescriptor connection = TakeRequest(probe);
  EXPECT_EQ(probe.Look(now_).saw, "GET /health: 503 Service Unavailable")
      << "kept while the next is under way";
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(LookWhenThereIsNews(probe).satisfied);
}

TEST_F(HttpProbeTest, RangeOfStatusIsTheOptions) {
  HttpProbe probe = MakeProbe("/", {.status = {401}});
  EXPECT_FALSE(AnswerWith(probe, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").satisfied);
  now_ += 1s;
  EXPECT_TRUE(AnswerWith(probe, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").satisfied);
}

TEST_F(HttpProbeTest, RedirectIsAnAnswerAndIsNotFollowed) {
  HttpProbe probe = MakeProbe();
  EXPECT_TRUE(AnswerWith(probe, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n").satisfied);
  EXPECT_FALSE(SomebodyConnected());
}

TEST_F(HttpProbeTest, PausesBetweenAttemptsWhateverHappens) {
  HttpProbe probe = MakeProbe();
  static_cast<void>(AnswerWith(probe, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(probe.WantsLook(), now_ + 1ms);
  static_cast<void>(probe.Look(now_ + 999us));
  EXPECT_FALSE(probe.Busy());
  static_cast<void>(probe.Look(now_ + 1ms));
  EXPECT_TRUE(probe.Busy());
}

TEST_F(HttpProbeTest, GarbageMeansNotYetAndIsShown) {
  HttpProbe probe = MakeProbe();
  const Observation seen = AnswerWith(probe, "SSH-2.0-OpenSSH_9.2\x1B[31m\r\n\r\n");
  EXPECT_FALSE(seen.satisfied);
  EXPECT_FALSE(seen.taken);
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("no HTTP"), HasSubstr("SSH-2.0-OpenSSH_9.2\\x1B[31m")));
}

TEST_F(HttpProbeTest, ConnectionClosedWithoutAnAnswerMeansNotYet) {
  HttpProbe probe = MakeProbe();
  EXPECT_THAT(AnswerWith(probe, "").saw, HasSubstr("connection closed before an answer"));
  now_ += 1s;
  EXPECT_THAT(AnswerWith(probe, "HTTP/1.1 20").saw, HasSubstr("HTTP/1.1 20"));
}

TEST_F(HttpProbeTest, AttemptWithoutAnAnswerIsGivenUpAndANewOneBegun) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor hung = TakeRequest(probe);
  EXPECT_EQ(probe.Look(now_).saw, "GET /: no answer so far");
  EXPECT_EQ(probe.WantsLook(), now_ + attempt_);
  now_ += attempt_;
  EXPECT_EQ(probe.Look(now_).saw, "GET /: no answer in " + process::Describe(attempt_));
  char byte = 0;
  EXPECT_EQ(::recv(hung.get(), &byte, 1, 0), 0) << "the old connection is closed";
  now_ += 10ms;
  EXPECT_TRUE(AnswerWith(probe, "HTTP/1.1 204 No Content\r\n\r\n").satisfied);
}

TEST_F(HttpProbeTest, TrickledAnswerIsGivenUpToo) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  for (const char byte : std::string("HTTP")) {
    Send(connection, std::string(1, byte));
    EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied);
    EXPECT_TRUE(probe.Busy());
  }
  now_ += attempt_;
  EXPECT_THAT(probe.Look(now_).saw, AllOf(HasSubstr("unfinished answer"), HasSubstr("\"HTTP\"")));
  EXPECT_FALSE(probe.Busy());
}

TEST_F(HttpProbeTest, TrickledAnswerInTimeWillDo) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  Observation seen;
  for (const char byte : std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")) {
    ASSERT_FALSE(seen.satisfied);
    Send(connection, std::string(1, byte));
    seen = LookWhenThereIsNews(probe);
  }
  EXPECT_TRUE(seen.satisfied);
}

TEST_F(HttpProbeTest, HeaderWithoutEndIsCutOff) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\n");
  Observation seen = LookWhenThereIsNews(probe);
  const std::string field = "X-Field: " + std::string(1000, 'x') + "\r\n";
  for (int i = 0; i < 1000 && probe.Busy(); ++i) {
    Send(connection, field);
    seen = LookWhenThereIsNews(probe);
  }
  EXPECT_FALSE(probe.Busy());
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("limit"));
}

TEST_F(HttpProbeTest, BodyIsReadToItsEndBeforeTheConnectionIsClosed) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied) << "a server that still writes may die of SIGPIPE";
  Send(connection, "0\r\n\r\n");
  EXPECT_TRUE(LookWhenThereIsNews(probe).satisfied);
}

TEST_F(HttpProbeTest, BodyWithoutEndIsNotWaitedFor) {
  HttpProbe probe = MakeProbe("/events");
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied);
  now_ += attempt_;
  EXPECT_TRUE(probe.Look(now_).satisfied);
}

TEST_F(HttpProbeTest, EnormousBodyIsNotReadToItsEnd) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nx");
  Observation seen = LookWhenThereIsNews(probe);
  for (int i = 0; i < 10'000 && probe.Busy(); ++i) {
    Send(connection, std::string(1000, 'x'));
    seen = LookWhenThereIsNews(probe);
  }
  EXPECT_FALSE(probe.Busy());
  EXPECT_TRUE(seen.satisfied) << seen.saw;
}

TEST_F(HttpProbeTest, BodyThatBreaksOffDoesNotUnsayTheStatus) {
  HttpProbe probe = MakeProbe();
  EXPECT_TRUE(AnswerWith(probe, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").satisfied);
  now_ += 1s;
  EXPECT_TRUE(
      AnswerWith(probe, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n").satisfied);
}

TEST_F(HttpProbeTest, OneHundredContinueIsNotTheAnswer) {
  HttpProbe probe = MakeProbe("/", {.status = {{100, 599}}});
  const Observation seen = AnswerWith(probe, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(seen.saw, "GET /: 204 No Content");
}

TEST_F(HttpProbeTest, ServerOnIpv6AloneIsReached) {
  if (!curfew::testing::HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  listener_ = Listen("::1");
  HttpProbe probe = MakeProbe();
  Observation seen = probe.Look(now_);
  while (probe.Busy()) seen = LookWhenThereIsNews(probe);
  EXPECT_EQ(seen.saw, "GET /: connection refused") << "by 127.0.0.1";
  now_ += 1s;
  EXPECT_TRUE(AnswerWith(probe, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").satisfied);
}

TEST_F(HttpProbeTest, AskOnceWaitsForTheAttemptUnderWay) {
  HttpProbe probe = MakeProbe();
  const std::uint16_t port = PortOf(listener_);
  curfew::testing::Child server([this] {
    ::alarm(60);
    const FileDescriptor connection = Accept(listener_);
    static_cast<void>(ReceiveHeader(connection));
    Send(connection, "HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\n\r\n");
    return 0;
  });
  const std::vector<Observation> seen = AskOnce(probe);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.front().saw, "GET /: 503 Not Yet") << port;
  EXPECT_EQ(server.Collect(), 0);
}

TEST_F(HttpProbeTest, RequestIsMadeAsTheOptionsSay) {
  HttpProbe probe = MakeProbe(
      "/x", {.method = "PROPFIND", .headers = {{"X-Token", "s"}, {"Host", "example.test"}}, .body = "<a/>"});
  std::string request;
  const FileDescriptor connection = TakeRequest(probe, &request);
  EXPECT_THAT(request, AllOf(StartsWith("PROPFIND /x HTTP/1.1\r\n"), HasSubstr("X-Token: s\r\n"),
                             HasSubstr("Host: example.test\r\n"), HasSubstr("Content-Length: 4\r\n"),
                             ::testing::Not(HasSubstr("Host: 127"))));
}

TEST_F(HttpProbeTest, AnswerToHeadHasNoBodyToWaitFor) {
  HttpProbe probe = MakeProbe("/", {.method = "HEAD"});
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_TRUE(LookWhenThereIsNews(probe).satisfied);
}

TEST_F(HttpProbeTest, AnyStatusOfTheSetWillDo) {
  HttpProbe probe = MakeProbe("/", {.status = {{200, 299}, 401}});
  for (const auto& [status, good] : {std::pair(200, true), {299, true}, {300, false}, {401, true}, {403, false}}) {
    EXPECT_EQ(AnswerWith(probe, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n").satisfied,
              good)
        << status;
    now_ += 1s;
  }
}

TEST_F(HttpProbeTest, BodyHasToHoldAndToMatchWhatIsAsked) {
  HttpProbe probe = MakeProbe("/", {.contains = "serving", .matches = "workers: [1-9]"});
  const auto answer = [](const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  EXPECT_EQ(AnswerWith(probe, answer("loading")).saw,
            "GET /: 200 OK, but its body \"loading\" does not contain \"serving\"");
  now_ += 1s;
  EXPECT_THAT(AnswerWith(probe, answer("serving, workers: 0")).saw, HasSubstr("does not match"));
  now_ += 1s;
  EXPECT_TRUE(AnswerWith(probe, answer("serving, workers: 2")).satisfied);
}

TEST_F(HttpProbeTest, BodyWithoutEndIsJudgedByWhatHasCome) {
  HttpProbe probe = MakeProbe("/", {.contains = "serving"});
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nserving\r\n");
  EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied);
  now_ += attempt_;
  EXPECT_TRUE(probe.Look(now_).satisfied);
}

TEST_F(HttpProbeTest, FloodOfPreliminaryAnswersHasAnEnd) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  std::string flood;
  while (flood.size() < (std::size_t{1} << 16)) flood += "HTTP/1.1 100 Continue\r\n\r\n";
  Observation seen;
  for (int i = 0; i < 1000; ++i) {
    if (::send(connection.get(), flood.data(), flood.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) break;
    seen = probe.Look(now_);
    if (!probe.Busy()) break;
  }
  EXPECT_FALSE(probe.Busy());
  EXPECT_THAT(seen.saw, HasSubstr("no end of preliminary answers"));
}

TEST_F(HttpProbeTest, RedirectionsAreFollowedWhenAskedFor) {
  HttpProbe probe = MakeProbe("/", {.status = {200}, .redirects = 2});
  const FileDescriptor first = TakeRequest(probe);
  Send(first, "HTTP/1.1 302 Found\r\nLocation: /login?x=1\r\nContent-Length: 0\r\n\r\n");
  static_cast<void>(LookWhenThereIsNews(probe));
  std::string request;
  const FileDescriptor second = TakeRequest(probe, &request);
  EXPECT_THAT(request, StartsWith("GET /login?x=1 "));
  Send(second, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(LookWhenThereIsNews(probe).saw, "GET /, redirected to /login?x=1: 200 OK");
}

// The server is this process, until it is nobody any more.
class Abdicating : public TreeView {
 public:
  [[nodiscard]] pid_t Leader() const override { return leader; }
  [[nodiscard]] std::vector<pid_t> Pids() const override { return {leader}; }
  pid_t leader = ::getpid();
};

TEST_F(HttpProbeTest, RedirectionIsNotFollowedToAStranger) {
  Abdicating tree;
  tree_ = &tree;
  HttpProbe probe = MakeProbe("/", {.status = {200}, .redirects = 2});
  const FileDescriptor connection = TakeRequest(probe);
  const std::uint16_t port = PortOf(listener_);
  listener_.Reset();
  listener_ = Listen("127.0.0.1", {.port = port});
  tree.leader = 1 << 30;
  Send(connection, "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
  const Observation seen = LookWhenThereIsNews(probe);
  EXPECT_FALSE(seen.satisfied);
  ASSERT_TRUE(seen.taken) << seen.saw;
  EXPECT_THAT(*seen.taken, HasSubstr("pid " + std::to_string(::getpid())));
  EXPECT_FALSE(SomebodyConnected());
}

TEST_F(HttpProbeTest, AnswerIsNotBelievedWhenAStrangerListensByThen) {
  Abdicating tree;
  tree_ = &tree;
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  const std::uint16_t port = PortOf(listener_);
  listener_.Reset();
  listener_ = Listen("127.0.0.1", {.port = port});
  tree.leader = 1 << 30;
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const Observation seen = LookWhenThereIsNews(probe);
  EXPECT_FALSE(seen.satisfied);
  EXPECT_TRUE(seen.taken) << seen.saw;
}

TEST_F(HttpProbeTest, AnswerOfOneThatListensNoMoreIsAnAnswer) {
  HttpProbe probe = MakeProbe();
  const FileDescriptor connection = TakeRequest(probe);
  listener_.Reset();
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(LookWhenThereIsNews(probe).satisfied);
}

TEST_F(HttpProbeTest, EndOfABodyThatWillDoIsNotWaitedForUntilTheAttemptIsOver) {
  HttpProbe probe = MakeProbe("/", {.attempt = 1h});
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nserving\r\n");
  EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied);
  ASSERT_TRUE(probe.WantsLook());
  EXPECT_LE(*probe.WantsLook(), now_ + process::Scaled(1s));
  now_ = *probe.WantsLook();
  EXPECT_TRUE(probe.Look(now_).satisfied);
}

TEST_F(HttpProbeTest, BodyThatLacksSomethingIsWaitedForUntilTheAttemptOrTheStartIsOver) {
  deadline_ = now_ + 1min;
  HttpProbe probe = MakeProbe("/", {.contains = "serving", .attempt = 1h});
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nloading\r\n");
  EXPECT_FALSE(LookWhenThereIsNews(probe).satisfied);
  now_ += 59s;
  EXPECT_FALSE(probe.Look(now_).satisfied);
  EXPECT_TRUE(probe.Busy());
  now_ += 1s;
  EXPECT_THAT(probe.Look(now_).saw, HasSubstr("its body \"loading\" does not contain"));
}

// A server may have asked for more time than the start had at first (EXTEND_TIMEOUT_USEC).
TEST_F(HttpProbeTest, BodyThatComesLateInAnExtendedStartIsWaitedFor) {
  deadline_ = now_;
  now_ += 1s;
  HttpProbe probe = MakeProbe("/", {.contains = "serving", .attempt = 1h});
  const FileDescriptor connection = TakeRequest(probe);
  Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_THAT(LookWhenThereIsNews(probe).saw, HasSubstr("does not contain"));
  ASSERT_TRUE(probe.Busy());
  Send(connection, "serving");
  EXPECT_TRUE(LookWhenThereIsNews(probe).satisfied);
}

TEST_F(HttpProbeTest, CircleOfRedirectionsEndsAndIsNoYes) {
  HttpProbe probe = MakeProbe("/", {.redirects = 3});
  Observation seen;
  for (int i = 0; i < 4; ++i) {
    const FileDescriptor connection = TakeRequest(probe);
    Send(connection, "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    seen = LookWhenThereIsNews(probe);
  }
  EXPECT_FALSE(probe.Busy());
  EXPECT_FALSE(seen.satisfied) << "though 301 is in the range";
  EXPECT_THAT(seen.saw, HasSubstr("in a circle?"));
}

TEST(ResolveLocationTest, StaysOnTheServer) {
  const auto resolve = [](const std::string& location) {
    return ResolveLocation(location, "/a/b?c", HttpProbe::Scheme::kHttp, 80).value_or("another");
  };
  EXPECT_EQ(resolve("/x?y#z"), "/x?y");
  EXPECT_EQ(resolve("x"), "/a/x");
  EXPECT_EQ(resolve("?d"), "/a/b?d");
  EXPECT_EQ(resolve("http://localhost:80"), "/");
  EXPECT_EQ(resolve("http://127.0.0.1:80?q"), "/?q");
  EXPECT_EQ(resolve("http://[::1]:80/x"), "/x");
  for (const char* other : {"http://localhost:81/", "https://localhost:80/", "http://example.test:80/",
                            "//example.test/", "http://localhost:80@example.test/", "", "/a b", "/a\r\nX: y"}) {
    EXPECT_EQ(resolve(other), "another") << other;
  }
}

}  // namespace
}  // namespace curfew::readiness
