// SPDX-License-Identifier: Apache-2.0
// UDP, Unix datagrams and abstract names, accepted connections, files that settle, commands, what has to last, and the
// timeline of it all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "child.h"
#include "mocks.h"
#include "probe_test_fixture.h"
#include "readiness/attempts.h"
#include "readiness/group_probe.h"
#include "readiness/probe.h"
#include "readiness/stays_probe.h"
#include "readiness/timeline.h"
#include "sockets.h"
#include "temp_proc.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Child;
using curfew::testing::Listen;
using curfew::testing::ListenUnix;
using curfew::testing::MockListenerTable;
using curfew::testing::MockProbe;
using curfew::testing::MockUnixTable;
using curfew::testing::NotYet;
using curfew::testing::PortOf;
using curfew::testing::Satisfied;
using process::Failure;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::Return;

// A runner of commands whose ends the test decides.
class FakeRunner : public CommandRunner {
 public:
  struct Run : RunningCommand {
    [[nodiscard]] int fd() const override { return -1; }
    [[nodiscard]] const std::optional<CommandEnd>& Advance() override { return *end; }
    void Kill() override { *killed = true; }
    std::shared_ptr<std::optional<CommandEnd>> end;
    std::shared_ptr<bool> killed;
  };
  [[nodiscard]] std::unique_ptr<RunningCommand> Start(const std::vector<std::string>& argv,
                                                      const std::map<std::string, std::string>&) override {
    started.push_back(argv);
    *end = std::nullopt;
    auto run = std::make_unique<Run>();
    run->end = end;
    run->killed = killed;
    return run;
  }
  std::vector<std::vector<std::string>> started;
  std::shared_ptr<std::optional<CommandEnd>> end = std::make_shared<std::optional<CommandEnd>>();
  std::shared_ptr<bool> killed = std::make_shared<bool>(false);
};

class MoreProbesTest : public ProbeTest {
 protected:
  MoreProbesTest() {
    subject_.launched = kNow;
    subject_.captures = &captures_;
    subject_.commands = &runner_;
  }

  FakeRunner runner_;
  Captures captures_;
};

// ---- UDP -----------------------------------------------------------------------------------------------------

FileDescriptor BindUdp(in_addr_t where = INADDR_LOOPBACK) {
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(where);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

TEST_F(MoreProbesTest, UdpSocketOfTheTreeWillDo) {
  for (const in_addr_t where : {INADDR_LOOPBACK, INADDR_ANY}) {
    const FileDescriptor socket = BindUdp(where);
    PortIs(PortOf(socket));
    const Observation seen = Look(Ready::Udp());
    EXPECT_TRUE(seen.satisfied) << seen.saw;
  }
}

TEST_F(MoreProbesTest, UdpSocketOfAStrangerIsNamed) {
  const Child server;
  const FileDescriptor socket = BindUdp();
  const curfew::testing::TreeOf tree(server.pid());
  subject_.tree = &tree;
  PortIs(PortOf(socket));
  const Observation seen = Look(Ready::Udp());
  ASSERT_TRUE(seen.taken) << seen.saw;
  EXPECT_THAT(*seen.taken, HasSubstr("pid " + std::to_string(::getpid())));
}

TEST_F(MoreProbesTest, UdpSocketThatHoldsThePortForTheServerIsNobodys) {
  const Child server;
  const FileDescriptor hold = BindUdp();
  const curfew::testing::TreeOf tree(server.pid());
  subject_.tree = &tree;
  subject_.holds = {curfew::testing::InodeOf(hold)};
  PortIs(PortOf(hold));
  const Observation seen = Look(Ready::Udp());
  EXPECT_FALSE(seen.satisfied);
  EXPECT_FALSE(seen.taken);
  EXPECT_THAT(seen.saw, HasSubstr("nobody is bound to it"));
}

TEST_F(MoreProbesTest, TcpListenerIsNoUdpSocketAndTheOtherWayRound) {
  const FileDescriptor listener = Listen("127.0.0.1");
  PortIs(PortOf(listener));
  EXPECT_THAT(Look(Ready::Udp()).saw, HasSubstr("UDP port " + std::to_string(PortOf(listener)) + ": nobody is bound"));
  const FileDescriptor socket = BindUdp();
  PortIs(PortOf(socket));
  EXPECT_FALSE(Look(Ready::Tcp()).satisfied);
}

TEST_F(MoreProbesTest, ProcTableSeesTheSameUdpSockets) {
  const FileDescriptor socket = BindUdp();
  const auto found = MakeProcUdpTable(proc_)->On(PortOf(socket));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found.value().size(), 1U);
  EXPECT_EQ(found.value().front().inode, curfew::testing::InodeOf(socket));
  EXPECT_EQ(udp_->On(PortOf(socket)).value().front().inode, curfew::testing::InodeOf(socket));
}

// ---- Unix ----------------------------------------------------------------------------------------------------

FileDescriptor BindAbstract(const std::string& name, int type) {
  FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 8), 0);
  }
  return socket;
}

std::string FreshName() {
  static int number = 0;
  return "curfew-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
}

TEST_F(MoreProbesTest, AbstractNamesAreFoundByTheirFullLength) {
  const std::string name = FreshName();
  const FileDescriptor longer = BindAbstract(name + "x", SOCK_STREAM);
  EXPECT_THAT(Look(Ready::Unix('@' + name)).saw, HasSubstr("nobody listens"));
  EXPECT_TRUE(Look(Ready::Unix('@' + name + 'x')).satisfied);
  const FileDescriptor datagram = BindAbstract(name, SOCK_DGRAM);
  EXPECT_TRUE(Look(Ready::UnixDatagram('@' + name)).satisfied);
  // Of abstract names the kernel has one of each type.
  EXPECT_THAT(Look(Ready::Unix('@' + name)).saw, HasSubstr("nobody listens"));
}

TEST_F(MoreProbesTest, DatagramSocketIsFoundByItsFileAndGetsNothing) {
  EXPECT_THAT(Look(Ready::UnixDatagram("d")).saw, HasSubstr("not there"));
  const FileDescriptor socket = ListenUnix(dir_.path() / "d", SOCK_DGRAM);
  const Observation seen = Look(Ready::UnixDatagram("d"));
  EXPECT_TRUE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("the server is bound to it"));
  char byte = 0;
  EXPECT_EQ(::recv(socket.get(), &byte, 1, MSG_DONTWAIT), -1);
  const FileDescriptor stream = ListenUnix(dir_.path() / "s", SOCK_STREAM);
  EXPECT_THAT(Look(Ready::UnixDatagram("s")).saw, HasSubstr("no datagram socket"));
}

TEST_F(MoreProbesTest, DatagramSocketOfAStrangerIsNamed) {
  const Child server;
  const FileDescriptor socket = ListenUnix(dir_.path() / "d", SOCK_DGRAM);
  const curfew::testing::TreeOf tree(server.pid());
  subject_.tree = &tree;
  const Observation seen = Look(Ready::UnixDatagram("d"));
  ASSERT_TRUE(seen.taken) << seen.saw;
  EXPECT_THAT(*seen.taken, HasSubstr("pid " + std::to_string(::getpid())));
}

TEST_F(MoreProbesTest, WithoutTheKernelsTableADatagramSocketIsNotProvable) {
  const FileDescriptor socket = ListenUnix(dir_.path() / "d", SOCK_DGRAM);
  MockUnixTable table;
  subject_.unix_sockets = &table;
  EXPECT_CALL(table, At).WillOnce(Return(process::Result<std::vector<UnixSocket>>(Failure{"list", EACCES})));
  const Observation seen = Look(Ready::UnixDatagram("d"));
  EXPECT_TRUE(seen.satisfied);
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("not provable"), HasSubstr("EACCES")));
}

// ---- accepted connections --------------------------------------------------------------------------------------

TEST_F(MoreProbesTest, AcceptConnectsAndClosesAtOnce) {
  const FileDescriptor listener = Listen("127.0.0.1");
  PortIs(PortOf(listener));
  EXPECT_TRUE(AskOnce(*Make(Ready::TcpAccept())).empty());
  const FileDescriptor connection = curfew::testing::Accept(listener);
  char byte = 0;
  EXPECT_EQ(::recv(connection.get(), &byte, 1, 0), 0) << "closed by the probe";
}

TEST_F(MoreProbesTest, AcceptGivesUpAnAttemptThatHangs) {
  const FileDescriptor listener = Listen("127.0.0.1");
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  PortIs(PortOf(listener));
  // A queue of one, and full: further connections hang.
  std::array<FileDescriptor, 4> crowd;
  for (FileDescriptor& one : crowd) {
    one.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(PortOf(listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    static_cast<void>(::connect(one.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  const auto probe = Make(Ready::TcpAccept("", 200ms));
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  ASSERT_TRUE(probe->Busy());
  const Duration limit = process::Scaled(200ms);
  EXPECT_EQ(probe->WantsLook(), kNow + limit);
  EXPECT_THAT(probe->Look(kNow + limit).saw, HasSubstr("not accepted in " + process::Describe(limit)));
  EXPECT_FALSE(probe->Busy());
}

TEST_F(MoreProbesTest, AcceptDoesNotConnectToAStranger) {
  const Child server;
  const FileDescriptor listener = Listen("127.0.0.1");
  const curfew::testing::TreeOf tree(server.pid());
  subject_.tree = &tree;
  PortIs(PortOf(listener));
  EXPECT_TRUE(Look(Ready::TcpAccept()).taken);
  pollfd waiting{.fd = listener.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
}

TEST_F(MoreProbesTest, AcceptPassesOnThatTheListenerIsNotProvable) {
  const FileDescriptor listener = Listen("127.0.0.1");
  PortIs(PortOf(listener));
  const curfew::testing::TempProc hides_descriptors;
  hides_descriptors.Write(std::to_string(::getpid()) + "/stat", curfew::testing::StatText(::getpid(), "server"));
  const procfs::Proc proc(hides_descriptors.root());
  subject_.proc = &proc;
  const auto probe = Make(Ready::TcpAccept());
  ASSERT_TRUE(AskOnce(*probe).empty());
  std::vector<Observation> seen;
  probe->AppendSeen(seen);
  EXPECT_TRUE(seen.front().unproven);
  EXPECT_THAT(seen.front().saw, AllOf(HasSubstr("accepted"), HasSubstr("not provable")));
}

TEST(AttemptsTest, PausesInProportionToTheTimeWaited) {
  Attempts attempts(1s, 1ms, 10ms);
  EXPECT_TRUE(attempts.Due(kNow));
  attempts.Begin(kNow);
  EXPECT_EQ(attempts.ends(), kNow + 1s);
  attempts.End(kNow);
  EXPECT_EQ(attempts.next(), kNow + 1ms);
  EXPECT_FALSE(attempts.Due(kNow));
  attempts.End(kNow + 100ms);
  EXPECT_EQ(attempts.next(), kNow + 105ms);
  attempts.End(kNow + 10s);
  EXPECT_EQ(attempts.next(), kNow + 10s + 10ms);
  attempts.Reset();
  EXPECT_TRUE(attempts.Due(kNow));
}

// ---- files that settle -----------------------------------------------------------------------------------------

TEST_F(MoreProbesTest, FileSettlesWhenItHasRestedLongEnough) {
  const auto probe = Make(Ready::FileSettled("f", 500ms));
  const Duration quiet = process::Scaled(500ms);
  EXPECT_THAT(probe->Look(kNow).saw, HasSubstr("not there"));
  dir_.Append("f", "1");
  EXPECT_FALSE(probe->Look(kNow + 1s).satisfied);
  EXPECT_EQ(probe->WantsLook(), kNow + 1s + quiet);
  dir_.Append("f", "2");
  EXPECT_FALSE(probe->Look(kNow + 1s + quiet).satisfied) << "it has grown";
  EXPECT_FALSE(probe->Look(kNow + 1s + 2 * quiet - 1ns).satisfied);
  const Observation seen = probe->Look(kNow + 1s + 2 * quiet);
  EXPECT_TRUE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("2 bytes, unchanged for"));
}

TEST_F(MoreProbesTest, FileThatVanishesBeginsAnew) {
  const auto probe = Make(Ready::FileSettled("f", 500ms));
  dir_.Append("f", "1");
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  std::filesystem::remove(dir_.path() / "f");
  EXPECT_FALSE(probe->Look(kNow + 1s).satisfied);
  dir_.Append("f", "1");
  EXPECT_FALSE(probe->Look(kNow + 2s).satisfied);
}

// ---- log lines -------------------------------------------------------------------------------------------------

TEST_F(MoreProbesTest, LogCountsLinesNotMatches) {
  const auto probe = Make(Ready::Log("up", {.occurrence = 2}));
  dir_.Append("log", "up up up\n");
  const Observation first = probe->Look(kNow);
  EXPECT_FALSE(first.satisfied);
  EXPECT_THAT(first.saw, HasSubstr("1 of 1 lines matches \"up\", and it takes 2"));
  dir_.Append("log", "down\nup again\n");
  EXPECT_EQ(probe->Look(kNow).saw, "log: \"up again\" matched");
}

TEST_F(MoreProbesTest, OverlongLineCountsOnce) {
  const auto probe = Make(Ready::Log("x+", {.occurrence = 2}));
  dir_.Append("log", std::string(std::size_t{4} << 20, 'x') + "\n");
  EXPECT_FALSE(AskOnce(*probe).empty());
  dir_.Append("log", "x\n");
  EXPECT_TRUE(AskOnce(*probe).empty());
}

TEST_F(MoreProbesTest, LogCapturesNamedGroupsOfTheLineThatIsMeant) {
  const auto probe = Make(Ready::Log(R"((?P<host>\S+):(?P<port>\d+)(?P<tls> tls)?)", {.occurrence = 2}));
  dir_.Append("log", "a:1 tls\nb:2\r\n");
  ASSERT_TRUE(probe->Look(kNow).satisfied);
  EXPECT_EQ(captures_, (Captures{{"host", "b"}, {"port", "2"}}));
}

TEST_F(MoreProbesTest, LogLineThatIsOverdueIsHopeless) {
  const auto probe = Make(Ready::Log("up", {.within = 2s}));
  const Duration within = process::Scaled(2s);
  EXPECT_FALSE(probe->Look(kNow).hopeless);
  EXPECT_EQ(probe->WantsLook(), kNow + within);
  const Observation late = probe->Look(kNow + within);
  ASSERT_TRUE(late.hopeless);
  EXPECT_THAT(*late.hopeless, AllOf(HasSubstr("up"), HasSubstr(process::Describe(within))));
  dir_.Append("log", "up\n");
  EXPECT_TRUE(probe->Look(kNow + within).satisfied) << "what was written in time is found, however late it is read";
}

// ---- commands --------------------------------------------------------------------------------------------------

TEST_F(MoreProbesTest, CommandIsAskedAgainAfterAPauseAsLongAsItTook) {
  const auto probe = Make(Ready::Command({"true", "x"}));
  EXPECT_THAT(probe->Look(kNow).saw, HasSubstr("command true x: is running"));
  EXPECT_TRUE(probe->Busy());
  *runner_.end = CommandEnd{.status = ExitStatus::Exited(2), .last_line = "no response"};
  EXPECT_EQ(probe->Look(kNow + 100ms).saw, "command true x: exited with status 2: \"no response\"");
  EXPECT_EQ(probe->WantsLook(), kNow + 200ms);
  static_cast<void>(probe->Look(kNow + 199ms));
  EXPECT_EQ(runner_.started.size(), 1U);
  static_cast<void>(probe->Look(kNow + 200ms));
  EXPECT_EQ(runner_.started.size(), 2U);
  *runner_.end = CommandEnd{.status = ExitStatus::Exited(0), .left_behind = 2};
  const Observation seen = probe->Look(kNow + 300ms);
  EXPECT_TRUE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("2 processes it had begun, which were ended"));
}

TEST_F(MoreProbesTest, CommandThatHangsIsKilledAndWhateverItSaysThenIsNoYes) {
  const auto probe = Make(Ready::Command({"hang"}, {.attempt = 1s}));
  const Duration limit = process::Scaled(1s);
  static_cast<void>(probe->Look(kNow));
  EXPECT_EQ(probe->WantsLook(), kNow + limit);
  static_cast<void>(probe->Look(kNow + limit - 1ns));
  EXPECT_FALSE(*runner_.killed);
  EXPECT_THAT(probe->Look(kNow + limit).saw,
              HasSubstr("still running after " + process::Describe(limit) + ", killed and not gone yet"));
  EXPECT_TRUE(*runner_.killed);
  EXPECT_TRUE(probe->Busy()) << "until it is gone";
  *runner_.end = CommandEnd{.status = ExitStatus::Exited(0)};
  const Observation seen = probe->Look(kNow + limit + 1ms);
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("killed"));
}

// ---- what has to last ------------------------------------------------------------------------------------------

class StaysProbeTest : public ::testing::Test {
 protected:
  StaysProbeTest() {
    auto inner = std::make_unique<NiceMock<MockProbe>>();
    inner_ = inner.get();
    probe_ = std::make_unique<StaysProbe>(std::move(inner), 1s);
  }
  Observation See(Observation what, Deadline now) {
    EXPECT_CALL(*inner_, Look).WillOnce(Return(std::move(what)));
    return probe_->Look(now);
  }
  NiceMock<MockProbe>* inner_;
  std::unique_ptr<StaysProbe> probe_;
};

TEST_F(StaysProbeTest, HoldsForItsTime) {
  EXPECT_FALSE(See(Satisfied(), kNow).satisfied);
  EXPECT_EQ(probe_->WantsLook(), kNow + 1s);
  EXPECT_FALSE(See(Satisfied(), kNow + 999ms).satisfied);
  EXPECT_TRUE(See(Satisfied(), kNow + 1s).satisfied);
}

TEST_F(StaysProbeTest, InterruptionBeginsItAnewAndIsTold) {
  static_cast<void>(See(Satisfied(), kNow));
  const Observation broken = See(NotYet("503"), kNow + 900ms);
  EXPECT_FALSE(broken.satisfied);
  EXPECT_THAT(broken.saw, AllOf(HasSubstr("503"), HasSubstr("interrupted 1 times")));
  EXPECT_FALSE(See(Satisfied(), kNow + 1s).satisfied);
  EXPECT_FALSE(See(Satisfied(), kNow + 1999ms).satisfied);
  EXPECT_TRUE(See(Satisfied(), kNow + 2s).satisfied);
}

TEST_F(StaysProbeTest, ExchangeUnderWayIsNoVerdict) {
  static_cast<void>(See(Satisfied(), kNow));
  EXPECT_CALL(*inner_, Busy).WillRepeatedly(Return(true));
  EXPECT_FALSE(See(NotYet("no answer so far"), kNow + 500ms).satisfied);
  EXPECT_EQ(probe_->WantsLook(), std::nullopt) << "the exchange's own times rule";
  EXPECT_CALL(*inner_, Busy).WillRepeatedly(Return(false));
  EXPECT_TRUE(See(Satisfied(), kNow + 1s).satisfied);
}

TEST_F(MoreProbesTest, PartsOfWhatHasToLastAreAskedEachTime) {
  dir_.Append("a", "");
  const auto probe = Make(Ready::StaysReady(Ready::All({Ready::File("a")}), 1s));
  const Duration hold = process::Scaled(1s);
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  std::filesystem::remove(dir_.path() / "a");
  EXPECT_FALSE(probe->Look(kNow + hold).satisfied);
  dir_.Append("a", "");
  EXPECT_FALSE(probe->Look(kNow + 2 * hold).satisfied);
  EXPECT_TRUE(probe->Look(kNow + 3 * hold).satisfied);
}

TEST_F(MoreProbesTest, AskedOnceNothingHasToLast) {
  dir_.Append("a", "");
  subject_.once = true;
  EXPECT_TRUE(Look(Ready::StaysReady(Ready::FileSettled("a", 1h), 1h)).satisfied);
}

TEST(GroupProbeHopelessTest, OneIsEnoughForAllAndItTakesEveryoneForAny) {
  const auto hopeless = [] {
    Observation seen = NotYet();
    seen.hopeless = "too late";
    return seen;
  }();
  const auto make = [&](GroupProbe::Needs needs, const Observation& second) {
    std::vector<std::unique_ptr<Probe>> parts;
    for (const Observation& what : {hopeless, second}) {
      auto part = std::make_unique<NiceMock<MockProbe>>();
      EXPECT_CALL(*part, Look).WillRepeatedly(Return(what));
      parts.push_back(std::move(part));
    }
    return GroupProbe(needs, std::move(parts)).Look(kNow);
  };
  EXPECT_TRUE(make(GroupProbe::Needs::kAll, NotYet()).hopeless);
  EXPECT_FALSE(make(GroupProbe::Needs::kAny, NotYet()).hopeless);
  EXPECT_TRUE(make(GroupProbe::Needs::kAny, hopeless).hopeless);
  EXPECT_FALSE(make(GroupProbe::Needs::kAny, Satisfied()).hopeless);
}

// ---- the timeline ----------------------------------------------------------------------------------------------

TEST(TimelineTest, KeepsWhatChangesOnce) {
  Timeline timeline;
  timeline.Add(1ms, {NotYet("nobody listens")});
  timeline.Add(2ms, {NotYet("nobody listens")});
  timeline.Add(3ms, {Satisfied("listens")});
  EXPECT_THAT(timeline.Lines(), ::testing::ElementsAre("1 ms  nobody listens", "3 ms  listens"));
}

TEST(TimelineTest, CountersAloneAreNoChange) {
  Timeline timeline;
  for (int i = 0; i < 100; ++i) {
    Observation seen = NotYet("none of " + std::to_string(i) + " lines");
    seen.state = "none";
    timeline.Add(1ms * i, {seen});
  }
  EXPECT_EQ(timeline.Lines().size(), 1U);
}

TEST(TimelineTest, IsBoundedAndKeepsTheFirstAndTheLatest) {
  Timeline timeline;
  for (int i = 0; i < 100'000; ++i) timeline.Add(1ms, {NotYet(std::to_string(i))});
  const auto lines = timeline.Lines();
  EXPECT_EQ(lines.size(), 17U);
  EXPECT_EQ(lines.front(), "1 ms  0");
  EXPECT_EQ(lines.back(), "1 ms  99999");
  EXPECT_EQ(lines[8], "... and 99984 changes more ...");
}

}  // namespace
}  // namespace curfew::readiness
