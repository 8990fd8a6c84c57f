// SPDX-License-Identifier: Apache-2.0
// Every probe against a real process: redis and python as servers, systemd-notify and curl's likes as their tools.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <curfew/curfew.h>

#include "process/file_descriptor.h"
#include "processes.h"

namespace curfew {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::Truth;

// A server in python. It ends by itself, whatever happens to the test.
ServerSpec Python(const std::string& body, Ready ready) {
  return {.name = "python",
          .command = {"/usr/bin/python3", "-u", "{dir}/server.py", "{dir}"},
          .files = {{"server.py", "import os, signal, socket, sys, time\nsignal.alarm(100)\n" + body}},
          .ready = std::move(ready),
          .ready_timeout = 60s,
          .stop = {{{SIGTERM, 20s}}}};
}

// What the start of this spec fails with.
struct Failed {
  StartError::Reason reason;
  std::string what;
};
Failed StartFails(ServerSpec spec) {
  try {
    const auto server = Server::Start(std::move(spec));
  } catch (const StartError& error) {
    return {error.reason(), error.what()};
  }
  ADD_FAILURE() << "it started";
  return {};
}

constexpr const char* kListen = R"(
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", {port}))
)";

void SendDatagram(std::uint16_t port, const std::string& text) {
  const process::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(
      ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address),
      static_cast<ssize_t>(text.size()));
}

TEST(ReadyTest, TcpAcceptConnects) {
  auto server = Server::Start(Python(std::string(kListen) + "s.listen(); c, _ = s.accept(); print('met', flush=True)\n"
                                                            "while True: time.sleep(1)\n",
                                     Ready::TcpAccept()));
  EXPECT_TRUE(server.log().WaitFor("^met$", 30s));
}

TEST(ReadyTest, UdpIsReadyWhenItIsBound) {
  auto server = Server::Start(Python(R"(
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", {port}))
while True: time.sleep(1)
)",
                                     Ready::Udp()));
  EXPECT_EQ(server.WhyNotReady(), "");
}

TEST(ReadyTest, ReservedUdpPortIsTheServersThoughItIsHeldForIt) {
  for (const bool reuses : {true, false}) {
    const std::string options = reuses ? "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); " : "";
    auto spec =
        Python("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " + options + R"(s.bind(("127.0.0.1", {port}))
while True: print('got', s.recv(100).decode())
)",
               Ready::Udp());
    spec.ports = {{"", Port::Udp()}};
    auto server = Server::Start(std::move(spec));
    EXPECT_EQ(server.start_notes().size(), reuses ? 0U : 1U) << "one that does not share needs a second attempt";
    EXPECT_EQ(server.WhyNotReady(), "");
    SendDatagram(server.port(), "hello");
    EXPECT_TRUE(server.log().WaitFor("^got hello$", 60s)) << "the hold has got it";
    server.Restart();
    EXPECT_EQ(server.WhyNotReady(), "");
  }
}

TEST(ReadyTest, UdpPortOfAStrangerIsNamed) {
  auto thief = Server::Start(Python("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))\n"
                                    "print('bound', s.getsockname()[1])\nwhile True: time.sleep(1)\n",
                                    Ready::Log(R"(bound (?P<number>\d+))")));
  auto spec = Python("print('{port}')\nwhile True: time.sleep(1)\n", Ready::Udp());
  spec.ports = {{"", std::stoi(thief.captured("number"))}};
  const auto failed = StartFails(std::move(spec));
  EXPECT_EQ(failed.reason, StartError::kPortTaken) << failed.what;
  EXPECT_THAT(failed.what, HasSubstr("pid " + std::to_string(thief.pid())));
}

TEST(ReadyTest, UnixSocketsOfEveryKind) {
  for (const char* type : {"STREAM", "DGRAM"}) {
    for (const char* address : {"'{dir}/s'", "'\\0curfew-{port}'"}) {
      const bool stream = std::string(type) == "STREAM";
      const bool abstract = std::string(address).find("\\0") != std::string::npos;
      const std::string where = abstract ? "@curfew-{port}" : "s";
      auto server = Server::Start(Python("s = socket.socket(socket.AF_UNIX, socket.SOCK_" + std::string(type) +
                                             "); s.bind(" + address + ")\n" + (stream ? "s.listen()\n" : "") +
                                             "while True: time.sleep(1)\n",
                                         stream ? Ready::Unix(where) : Ready::UnixDatagram(where)));
      EXPECT_EQ(server.WhyNotReady(), "") << type << ' ' << address;
    }
  }
}

TEST(ReadyTest, LogWaitsForTheLineThatIsMeantAndCapturesFromIt) {
  auto server =
      Server::Start(Python("for i in range(1, 4): print('worker %d on port %d up' % (i, 7000 + i))\n"
                           "while True: time.sleep(1)\n",
                           Ready::Log(R"(worker (?P<number>\d+) on port (?P<port>\d+) up)", {.occurrence = 3})));
  EXPECT_EQ(server.captured("number"), "3");
  EXPECT_EQ(server.captured("port"), "7003");
  EXPECT_THROW(static_cast<void>(server.captured("host")), std::out_of_range);

  auto later = Server::Start({.name = "later",
                              .command = {"python3", "-c",
                                          "import sys, time; print(sys.argv[1:], open(sys.argv[2]).read()); "
                                          "time.sleep(100)",
                                          "{captured:port}", "{dir}/upstream"},
                              .files = {{"upstream", "to {captured:python:number}"}},
                              .ready = Ready::Log("^..7003.*to 3$")});
  EXPECT_TRUE(later.running());
  server.Stop();
  const auto failed = StartFails({.command = {"sleep", "{captured:port}"}, .ready = Ready::File("x")});
  EXPECT_EQ(failed.reason, StartError::kBadSpec);
  EXPECT_THAT(failed.what, AllOf(HasSubstr("{captured:port}"), HasSubstr("no server that is up")));
}

TEST(ReadyTest, LogLineThatIsLateEndsTheWaitBeforeTheDeadline) {
  const auto failed = StartFails(Python("while True: time.sleep(1)\n", Ready::Log("never", {.within = 300ms})));
  EXPECT_EQ(failed.reason, StartError::kTimedOut);
  EXPECT_THAT(failed.what, AllOf(HasSubstr("not ready in time"), HasSubstr("never")));
}

TEST(ReadyTest, LineOfAHundredMebibytesWithNulBytesIsReadWithBoundedMemory) {
  SetTestTimeout(115s);  // ten seconds of a processor with sanitizers, of one that may be shared
  auto spec = Python("b = b'x\\0' * (1 << 19)\nfor i in range(100): sys.stdout.buffer.write(b)\n"
                     "sys.stdout.buffer.write(b'\\nready\\n'); sys.stdout.flush()\n"
                     "while True: time.sleep(1)\n",
                     Ready::Log("^ready$"));
  spec.ready_timeout = 110s;
  auto server = Server::Start(std::move(spec));
  EXPECT_GT(std::filesystem::file_size(server.log().path()), 100U << 20U);
}

TEST(ReadyTest, FileSettles) {
  auto server =
      Server::Start(Python("f = open('data', 'w')\nfor i in range(5): f.write('x'); f.flush(); time.sleep(0.05)\n"
                           "f.close()\nwhile True: time.sleep(1)\n",
                           Ready::FileSettled("data", 400ms)));
  EXPECT_EQ(std::filesystem::file_size(server.dir() / "data"), 5U);
}

// ---- commands ------------------------------------------------------------------------------------------------

TEST(ReadyTest, FileOfTheLifeBeforeDoesNotMakeARestartReady) {
  auto server = Server::Start({.shell = "[ -e ready ] || : > ready; exec sleep 100",
                               .ready = Ready::File("ready"),
                               .ready_timeout = 3s});
  EXPECT_EQ(server.WhyNotReady(), "") << "to be there is enough of one that has been up";
  try {
    server.Restart();
    ADD_FAILURE() << "it is ready, though it has written nothing";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kTimedOut);
    EXPECT_THAT(error.what(), HasSubstr("an earlier life may have left it"));
  }
}

TEST(ReadyTest, ServerOnIpv6AloneIsMetThere) {
  const std::string script =
      "s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
      "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\n";
  try {
    static_cast<void>(Server::Start(
        Python(script + "s.bind(('::1', 0)); print('up')\nwhile True: time.sleep(1)\n", Ready::Log("up"))));
  } catch (const StartError&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  for (const char* address : {"::1", "::"}) {
    for (const Ready& ready : {Ready::Tcp(), Ready::TcpAccept()}) {
      auto server = Server::Start(
          Python(script + "s.bind(('" + address + "', {port})); s.listen()\nwhile True: time.sleep(1)\n", ready));
      EXPECT_EQ(server.host(), "::1");
      EXPECT_EQ(server.url("/x"), "http://[::1]:" + std::to_string(server.port()) + "/x");
      EXPECT_NO_THROW(::close(server.ConnectTcp()));
      EXPECT_NO_THROW(TcpClient(server.host(), server.port(), 60s));
      server.Restart();
      EXPECT_EQ(server.host(), "::1");
    }
  }
  auto both = Server::Start(
      Python(script + "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); s.bind(('::', {port})); s.listen()\n"
                      "while True: time.sleep(1)\n",
             Ready::Tcp()));
  EXPECT_EQ(both.host(), "127.0.0.1");
}

TEST(ReadyTest, UnixSocketOfTheSpecIsTheServersThoughItsWardenListens) {
  for (const bool stream : {true, false}) {
    auto server = Server::Start({.command = {"sleep", "100"},
                                 .sockets = {stream ? ListenSocket::Unix() : ListenSocket::UnixDatagram()},
                                 .ready = stream ? Ready::Unix() : Ready::UnixDatagram()});
    EXPECT_EQ(server.WhyNotReady(), "");
  }
}

TEST(ReadyTest, AuthorityThatIsAFifoDoesNotHoldUpTheStart) {
  const testing_support::TemporaryDirectory directory;
  const std::string fifo = directory.path() + "/ca.pem";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto failed = StartFails({.command = {CURFEW_SAMPLE_DIR "/tcp_echo", "--port", "{port}"},
                                  .ready = Ready::Https("/", {.ca_file = fifo}),
                                  .ready_timeout = 3s});
  if (failed.reason == StartError::kBadSpec) GTEST_SKIP() << "this build has no TLS";
  EXPECT_EQ(failed.reason, StartError::kTimedOut);
  EXPECT_THAT(failed.what, HasSubstr("ca.pem is no regular file"));
}

TEST(ReadyCommand, IsRunUntilItSucceeds) {
  auto spec =
      Python("time.sleep(0.3); open('up', 'w').close()  # {port}\nwhile True: time.sleep(1)\n",
             Ready::Command({"sh", "-c", "test -e up && test \"$EXTRA\" = {port}"}, {.env = {{"EXTRA", "{port}"}}}));
  auto server = Server::Start(std::move(spec));
  EXPECT_EQ(server.WhyNotReady(), "");
  std::filesystem::remove(server.dir() / "up");
  EXPECT_THAT(server.WhyNotReady(), HasSubstr("exited with status 1"));
}

TEST(ReadyCommand, KnowsWhatTheLogHasShown) {
  auto server = Server::Start(Python("print('token abc')\nwhile True: time.sleep(1)\n",
                                     Ready::All({Ready::Log(R"(token (?P<token>\w+))"),
                                                 Ready::Command({"test", "{captured:token}", "=", "abc"})})));
  EXPECT_EQ(server.captured("token"), "abc");
}

TEST(ReadyCommand, TextThatLooksLikeACaptureIsText) {
  auto spec = Python("print('port 7001')\nwhile True: time.sleep(1)\n",
                     Ready::All({Ready::Log(R"(port (?P<number>\d+))"),
                                 Ready::Command({"sh", "-c", "echo \"$@\" > seen", "sh", "{captured:number}",
                                                 "{{captured:number}}", "${captured:number}"})}));
  auto server = Server::Start(std::move(spec));
  EXPECT_EQ(testing_support::ReadFile(server.dir() / "seen"), "7001 {captured:number} ${captured:number}\n");
}

TEST(ReadyCommand, CaptureWithANulByteIsRefusedAndSaid) {
  const Ready log = Ready::Log(R"(token (?P<token>.*)\.)");
  ServerSpec spec = {.shell = R"(printf 'token a\000b.\n'; exec sleep 100)",
                     .ready = Ready::All({log, Ready::Command({"true", "{captured:token}"})}),
                     .ready_timeout = 3s};
  EXPECT_THAT(StartFails(spec).what, HasSubstr("{captured:token} holds a NUL byte"));
  spec.ready = log;
  auto server = Server::Start(spec);
  const auto failed = StartFails({.command = {"sleep", "{captured:token}"}, .ready = Ready::File("x")});
  EXPECT_EQ(failed.reason, StartError::kBadSpec);
  EXPECT_THAT(failed.what, HasSubstr("holds a NUL byte"));
}

TEST(ReadyCommand, ProgramIsLookedForInThePathOfTheSpec) {
  const testing_support::TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() + "/127.0.0.1");
  std::filesystem::create_symlink("/bin/sleep", directory.path() + "/127.0.0.1/sleeps");
  std::filesystem::create_symlink("/bin/true", directory.path() + "/127.0.0.1/succeeds");
  auto server = Server::Start({.command = {"sleeps", "100"},
                               .env = {{"PATH", directory.path() + "/{host}"}},
                               .ready = Ready::Command({"succeeds"})});
  EXPECT_TRUE(server.running());
}

TEST(ReadyCommand, LeavesNothingBehindWhenItHangsOrDaemonises) {
  const Truth truth;
  // It forks a daemon that ignores SIGTERM, and then hangs itself.
  const std::string command = std::string(Truth::kVariable) + "=" + truth.token() +
                              " setsid sh -c \"trap '' TERM; sleep 90\" & echo hanging; " + Truth::kVariable + "=" +
                              truth.token() + " sleep 90";
  auto spec = Python("while True: time.sleep(1)\n", Ready::Command({"sh", "-c", command}, {.attempt = 300ms}));
  spec.ready_timeout = 1500ms;
  const auto failed = StartFails(std::move(spec));
  EXPECT_EQ(failed.reason, StartError::kTimedOut);
  EXPECT_THAT(failed.what, AllOf(HasSubstr("still running after 300 ms, killed"), HasSubstr("hanging")));
  EXPECT_TRUE(truth.Alive().empty()) << truth.Describe();
}

TEST(ReadyCommand, DaemonOfOneThatSucceedsIsEndedAndNoLeak) {
  const Truth truth;
  auto server = Server::Start(Python("while True: time.sleep(1)\n",
                                     Ready::Command({"sh", "-c", std::string(Truth::kVariable) + "=" + truth.token() +
                                                                     " setsid sleep 90 & exit 0"})));
  EXPECT_TRUE(truth.Alive().empty()) << truth.Describe();
}

TEST(ReadyCommand, DeathOfTheServerEndsTheCommandAndTheWait) {
  const Truth truth;
  const auto failed =
      StartFails(Python("time.sleep(0.5); sys.exit(3)\n",
                        Ready::Command({"sh", "-c", std::string(Truth::kVariable) + "=" + truth.token() + " sleep 90"},
                                       {.attempt = 80s})));
  EXPECT_EQ(failed.reason, StartError::kDiedEarly);
  EXPECT_TRUE(truth.Alive().empty()) << truth.Describe();
}

TEST(ReadyCommand, ProgramThatIsNotThereIsSaid) {
  auto spec = Python("while True: time.sleep(1)\n", Ready::Command({"no-such-tool"}));
  spec.ready_timeout = 300ms;
  EXPECT_THAT(StartFails(std::move(spec)).what, AllOf(HasSubstr("no-such-tool"), HasSubstr("ENOENT")));
}

// ---- notification ----------------------------------------------------------------------------------------------

std::string Find(const std::string& program) {
  for (const char* place : {"/usr/bin/", "/usr/local/bin/"}) {
    if (::access((place + program).c_str(), X_OK) == 0) return place + program;
  }
  return "";
}

constexpr const char* kNotify = R"(
def tell(text):
    path = os.environ["NOTIFY_SOCKET"]
    n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    n.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)
)";

TEST(ReadyNotify, RedisTellsSystemd) {
  const std::string redis = Find("redis-server");
  if (redis.empty()) GTEST_SKIP() << "redis-server is not installed";
  auto server = Server::Start({.command = {redis, "--port", "{port}", "--dir", "{dir}", "--supervised", "systemd"},
                               .ready = Ready::All({Ready::Notify(), Ready::Tcp()})});
  EXPECT_THAT(server, IsReady());
  server.Restart();
  EXPECT_THAT(server, IsReady());
}

TEST(ReadyNotify, SystemdNotifyOfAShellIsBelieved) {
  if (Find("systemd-notify").empty()) GTEST_SKIP() << "systemd-notify is not installed";
  auto server = Server::Start({.shell = "systemd-notify --status=up --ready; echo told; exec sleep 100",
                               .ready = Ready::Notify()});
  EXPECT_TRUE(server.log().WaitFor("^told$", 30s)) << "its barrier is answered";
}

TEST(ReadyNotify, StatusIsShownAndTheDeadlineExtended) {
  auto spec = Python(std::string(kNotify) + "tell('STATUS=reading 10%\\nEXTEND_TIMEOUT_USEC=60000000')\n"
                                            "time.sleep(6); tell('READY=1')\nwhile True: time.sleep(1)\n",
                     Ready::Notify());
  spec.ready_timeout = 5s;  // it takes longer, and asks for it
  auto server = Server::Start(std::move(spec));

  auto stuck = Python(std::string(kNotify) + "tell('STATUS=reading 10%\\nERRNO=2')\nwhile True: time.sleep(1)\n",
                      Ready::Notify());
  stuck.ready_timeout = 5s;
  EXPECT_THAT(StartFails(std::move(stuck)).what,
              AllOf(HasSubstr("no READY=1 yet"), HasSubstr("STATUS=\"reading 10%\""), HasSubstr("ENOENT")));
}

TEST(ReadyNotify, StrangerIsRefusedAndMentioned) {
  // The test itself finds out the address, from the file the server leaves, and plays the stranger.
  const testing_support::TemporaryDirectory directory;
  const std::string file = directory.path() + "/address";
  const auto send = [](const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sendto(socket, "READY=1", 7, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(socket);
  };
  bool sent = false;
  const auto stranger = [&](const ServerAddress&) {
    std::ifstream in(file);
    std::string path;
    if (!sent && std::getline(in, path)) {
      send(path);
      sent = true;
    }
    return false;
  };
  auto spec = Python("open('" + file + ".new', 'w').write(os.environ['NOTIFY_SOCKET'] + '\\n')\n"
                     "os.rename('" + file + ".new', '" + file + "')\nwhile True: time.sleep(1)\n",
                     Ready::All({Ready::Notify(), Ready::When(stranger)}));
  spec.ready_timeout = 5s;
  const auto failed = StartFails(std::move(spec));
  EXPECT_TRUE(sent);
  EXPECT_THAT(failed.what, AllOf(HasSubstr("no READY=1 yet"), HasSubstr("1 message refused"),
                                 HasSubstr("this test program itself")));
}

TEST(ReadyNotify, NewlineOnTheDescriptor) {
  auto spec = Python("fd = int(sys.argv[2]); time.sleep(0.2); os.write(fd, b'\\n'); os.close(fd)\n"
                     "while True: time.sleep(1)\n",
                     Ready::NotifyFd());
  spec.command.push_back("{notify_fd}");
  auto server = Server::Start(std::move(spec));
  EXPECT_EQ(server.WhyNotReady(), "");
  server.Restart();
}

// ---- the rest ------------------------------------------------------------------------------------------------------

constexpr const char* kFlaky = R"(
from http.server import BaseHTTPRequestHandler, HTTPServer
begin = time.time()
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        late = time.time() - begin
        self.send_response(503 if 0.2 < late < 0.8 else 200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
server = HTTPServer(("127.0.0.1", {port}), Handler)
server.serve_forever()
)";

TEST(ReadyTest, StaysReadyOutlastsAServerThatAnswersAndThenBreaksDown) {
  const auto begin = std::chrono::steady_clock::now();
  auto server = Server::Start(Python(kFlaky, Ready::StaysReady(Ready::Http("/", {.status = {200}}), 700ms)));
  // 200 for 0.2 s is not enough; after 0.8 s it stays.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1500ms);
}

TEST(ReadyTest, HttpAsksAsItIsTold) {
  constexpr const char* kServer = R"(
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = body == b"ping {port}" and self.headers["X-Token"] == "secret"
        text = b"state: serving" if good else b"state: confused"
        self.send_response(207); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        where = {"/": "/a", "/a": "http://127.0.0.1:{port}/b", "/b": None, "/circle": "/circle"}[self.path]
        self.send_response(302 if where else 200)
        if where: self.send_header("Location", where)
        self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
)";
  auto server = Server::Start(Python(kServer, Ready::All({Ready::Http("/x", {.status = {207},
                                                                             .method = "POST",
                                                                             .headers = {{"X-Token", "secret"}},
                                                                             .body = "ping {port}",
                                                                             .contains = "serving",
                                                                             .matches = "^state: s"}),
                                                          Ready::Http("/", {.status = {200}, .redirects = 3})})));
  EXPECT_EQ(server.WhyNotReady(), "");
  server.Stop();
  auto circle = Python(kServer, Ready::Http("/circle", {.redirects = 5}));
  circle.ready_timeout = 3s;
  EXPECT_THAT(StartFails(std::move(circle)).what, HasSubstr("in a circle?"));
}

TEST(ReadyTest, HttpsIsVerifiedByTheGivenAuthority) {
  if (Find("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
  const testing_support::TemporaryDirectory directory;
  const std::string make =
      "cd " + directory.path() +
      " && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=x "
      "-addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1 && "
      "openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=y "
      ">/dev/null 2>&1";
  ASSERT_EQ(std::system(make.c_str()), 0);
  const std::string body = R"(
import http.server, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(")" + directory.path() + "/cert.pem\", \"" + directory.path() + R"(/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
)";
  const auto spec = [&](Ready::HttpOptions options) {
    auto made = Python(body, Ready::Https("/", std::move(options)));
    return made;
  };
  try {
    static_cast<void>(Server::Start(spec({.unverified = true})));
  } catch (const StartError& error) {
    if (error.reason() != StartError::kBadSpec) throw;
    GTEST_SKIP() << "this build has no TLS";
  }
  static_cast<void>(Server::Start(spec({.contains = "ok", .ca_file = directory.path() + "/cert.pem"})));
  auto untrusted = spec({.ca_file = directory.path() + "/other.pem"});
  untrusted.ready_timeout = 3s;
  EXPECT_THAT(StartFails(std::move(untrusted)).what, HasSubstr("certificate is not trusted"));
  auto misnamed = spec({.ca_file = directory.path() + "/cert.pem", .server_name = "example.test"});
  misnamed.ready_timeout = 3s;
  EXPECT_THAT(StartFails(std::move(misnamed)).what, HasSubstr("not for example.test"));
}

TEST(ReadyTest, LeaderThatLeavesADaemonIsExplained) {
  const auto failed =
      StartFails({.command = {CURFEW_SAMPLE_DIR "/double_fork_daemon", "--port", "{port}", "--leader-exits"},
                  .ready = Ready::File("never")});
  EXPECT_EQ(failed.reason, StartError::kDiedEarly);
  EXPECT_THAT(failed.what, AllOf(HasSubstr("exited with status 0"), HasSubstr("left 1 process running"),
                                 HasSubstr("double_fork_daemon"), HasSubstr(".daemonizes = true")));
}

// stderr is another descriptor while it lives.
class ScopedStderr {
 public:
  explicit ScopedStderr(int fd) : before_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  ~ScopedStderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  ScopedStderr(const ScopedStderr&) = delete;
  ScopedStderr& operator=(const ScopedStderr&) = delete;

 private:
  int before_;
};

void WaitForNothing() {
  auto spec = Python("while True: time.sleep(1)\n", Ready::Log("never"));
  spec.ready_timeout = 3s;
  static_cast<void>(StartFails(std::move(spec)));
}

TEST(ReadyProgress, IsShownOnATerminalAndErasedInTheEnd) {
  const process::FileDescriptor terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  ASSERT_TRUE(terminal.valid());
  ASSERT_EQ(::grantpt(terminal.get()), 0);
  ASSERT_EQ(::unlockpt(terminal.get()), 0);
  const process::FileDescriptor screen(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(screen.valid());
  {
    const ScopedStderr redirected(screen.get());
    WaitForNothing();
  }
  std::string shown(4096, ' ');
  const ssize_t got = ::read(terminal.get(), shown.data(), shown.size());
  ASSERT_GT(got, 0);
  shown.resize(static_cast<std::size_t>(got));
  EXPECT_THAT(shown, AllOf(testing::StartsWith("\r\x1B[K[ CURFEW   ] waiting for python: log: none of"),
                           HasSubstr(" of "), testing::EndsWith("\r\x1B[K"), Not(HasSubstr("\n"))));
}

TEST(ReadyProgress, IsNotShownWhereThereIsNoTerminal) {
  const testing_support::TemporaryDirectory directory;
  const std::string path = directory.path() + "/stderr";
  const process::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  {
    const ScopedStderr redirected(file.get());
    WaitForNothing();
  }
  EXPECT_EQ(testing_support::ReadFile(path), "");
}

TEST(ReadyTest, FailureTellsWhatChangedWhen) {
  auto spec = Python(kFlaky, Ready::All({Ready::Http("/", {.status = {418}})}));
  spec.ready_timeout = 4s;
  const auto failed = StartFails(std::move(spec));
  EXPECT_THAT(failed.what, AllOf(HasSubstr("timeline"), HasSubstr("nobody listens"),
                                 HasSubstr("503 Service Unavailable"), HasSubstr("200 OK")));
}

}  // namespace
}  // namespace curfew
