// SPDX-License-Identifier: Apache-2.0
// Every probe but HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "child.h"
#include "mocks.h"
#include "probe_test_fixture.h"
#include "readiness/group_probe.h"
#include "readiness/probe.h"
#include "sockets.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Child;
using curfew::testing::Listen;
using curfew::testing::ListenUnix;
using curfew::testing::MockListenerTable;
using curfew::testing::MockProbe;
using curfew::testing::NotYet;
using curfew::testing::PortOf;
using curfew::testing::Satisfied;
using curfew::testing::Taken;
using process::Failure;
using process::FileDescriptor;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::StartsWith;

using TcpProbeTest = ProbeTest;

TEST_F(TcpProbeTest, IsSatisfiedByAListenerOfTheTreeOnAnyAddress) {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "::1", "::"}) {
    if (std::string(host).starts_with(':') && !curfew::testing::HasIpv6()) continue;
    const FileDescriptor socket = Listen(host);
    PortIs(PortOf(socket));
    const Observation seen = Look(Ready::Tcp());
    EXPECT_TRUE(seen.satisfied) << seen.saw;
    EXPECT_THAT(seen.saw, HasSubstr(host));
    EXPECT_FALSE(seen.taken);
  }
}

TEST_F(TcpProbeTest, ConnectsToNobody) {
  const FileDescriptor socket = Listen("127.0.0.1");
  PortIs(PortOf(socket));
  ASSERT_TRUE(Look(Ready::Tcp()).satisfied);
  pollfd connections{.fd = socket.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&connections, 1, 0), 0);
}

TEST_F(TcpProbeTest, SaysThatNobodyListens) {
  const FileDescriptor socket = Listen("127.0.0.1");
  subject_.address.ports["admin"] = PortOf(socket);
  ::shutdown(socket.get(), SHUT_RD);
  EXPECT_EQ(Look(Ready::Tcp("admin")).saw,
            "port " + std::to_string(PortOf(socket)) + " {port:admin}: nobody listens");
}

TEST_F(TcpProbeTest, StrangerOnAnyAddressIsNamed) {
  const Child server;
  const curfew::testing::TreeOf tree(server.pid());
  ServerIs(tree);
  for (const char* host : {"127.0.0.1", "0.0.0.0", "::1", "::"}) {
    if (std::string(host).starts_with(':') && !curfew::testing::HasIpv6()) continue;
    const FileDescriptor socket = Listen(host);
    PortIs(PortOf(socket));
    const auto probe = Make(Ready::Tcp());
    const Observation seen = probe->Look(kNow);
    EXPECT_FALSE(seen.satisfied);
    ASSERT_TRUE(seen.taken) << host;
    EXPECT_THAT(*seen.taken, AllOf(HasSubstr(std::to_string(PortOf(socket))),
                                   HasSubstr("pid " + std::to_string(::getpid()))));
    EXPECT_EQ(probe->Stranger(), seen.taken);
  }
}

TEST_F(TcpProbeTest, StrangerBesideTheServerIsNamedToo) {
  // Which of the two a client reaches depends on what "localhost" means to it.
  const FileDescriptor servers = Listen("127.0.0.1");
  const Child server;  // inherits what there is so far
  const FileDescriptor strangers = Listen("127.0.0.1");
  const curfew::testing::TreeOf tree(server.pid());
  ServerIs(tree);
  MockListenerTable table;
  subject_.listeners = &table;
  const std::vector<ListeningSocket> both = {
      {.address = "127.0.0.1", .port = 1, .inode = curfew::testing::InodeOf(servers)},
      {.address = "::1", .port = 1, .inode = curfew::testing::InodeOf(strangers)}};
  EXPECT_CALL(table, On(1)).WillOnce(Return(process::Result(both)));
  const Observation seen = Look(Ready::Tcp());
  EXPECT_FALSE(seen.satisfied);
  EXPECT_TRUE(seen.taken);
}

TEST_F(TcpProbeTest, FailureToAskIsShownAndIsNoVerdict) {
  MockListenerTable table;
  subject_.listeners = &table;
  EXPECT_CALL(table, On(1))
      .WillOnce(Return(process::Result<std::vector<ListeningSocket>>(Failure{"ask sock_diag", EMFILE})));
  const Observation seen = Look(Ready::Tcp());
  EXPECT_FALSE(seen.satisfied);
  EXPECT_FALSE(seen.taken);
  EXPECT_THAT(seen.saw, AllOf(StartsWith("port 1: failed to ask sock_diag"), HasSubstr("EMFILE")));
}

TEST_F(ProbeTest, ProbeThatWasNeverAskedSaysSo) {
  const auto probe = Make(Ready::All({Ready::Tcp(), Ready::Http(), Ready::Unix("s"), Ready::File("f"),
                                      Ready::When([](const ServerAddress&) { return true; })}));
  std::vector<Observation> seen;
  probe->AppendSeen(seen);
  ASSERT_EQ(seen.size(), 5U);
  for (const Observation& one : seen) EXPECT_THAT(one.saw, HasSubstr("not asked yet"));
}

using UnixProbeTest = ProbeTest;

TEST_F(UnixProbeTest, IsSatisfiedByAServerThatListens) {
  EXPECT_THAT(Look(Ready::Unix("s")).saw, HasSubstr("not there"));
  const FileDescriptor socket = ListenUnix(dir_.path() / "s", SOCK_STREAM);
  EXPECT_TRUE(Look(Ready::Unix("s")).satisfied) << "relative to {dir}";
  EXPECT_TRUE(Look(Ready::Unix(dir_.path() / "s")).satisfied);
}

TEST_F(UnixProbeTest, StaleSocketFileIsNobody) {
  static_cast<void>(ListenUnix(dir_.path() / "s", SOCK_STREAM));
  EXPECT_THAT(Look(Ready::Unix("s")).saw, HasSubstr("nobody listens"));
}

TEST_F(UnixProbeTest, OtherKindsOfFilesAreSaidToBeSo) {
  const FileDescriptor datagram = ListenUnix(dir_.path() / "d", SOCK_DGRAM);
  EXPECT_THAT(Look(Ready::Unix("d")).saw, HasSubstr("no stream socket"));
  dir_.Append("f", "text");
  EXPECT_FALSE(Look(Ready::Unix("f")).satisfied);
}

TEST_F(UnixProbeTest, FullQueueMeansNotYetAndDoesNotBlock) {
  const FileDescriptor socket = ListenUnix(dir_.path() / "s", SOCK_STREAM, 0);
  Observation seen;
  for (int i = 0; i < 5; ++i) seen = Look(Ready::Unix("s"));
  EXPECT_FALSE(seen.satisfied);
  EXPECT_THAT(seen.saw, HasSubstr("queue"));
}

TEST_F(UnixProbeTest, QueueThatItsOwnLooksHaveFilledIsNoNo) {
  const FileDescriptor socket = ListenUnix(dir_.path() / "s", SOCK_STREAM, 0);
  const auto probe = Make(Ready::StaysReady(Ready::Unix("s"), 1s));
  for (int i = 0; i < 5; ++i) {
    static_cast<void>(probe->Look(kNow));
    std::vector<Observation> seen;
    probe->AppendSeen(seen);
    EXPECT_THAT(seen.front().saw, HasSubstr("; holds for")) << "look " << i;
  }
}

TEST_F(UnixProbeTest, SocketThatAnotherHasMadeForTheServerIsItsOwn) {
  // As the warden does for ServerSpec::sockets: who listens, as the kernel tells, is this process.
  const FileDescriptor socket = ListenUnix(dir_.path() / "s", SOCK_STREAM);
  const Child server;  // inherits it
  const curfew::testing::TreeOf tree(server.pid());
  ServerIs(tree);
  const Observation seen = Look(Ready::Unix("s"));
  EXPECT_TRUE(seen.satisfied) << seen.saw;
  EXPECT_FALSE(seen.unproven);
}

TEST_F(UnixProbeTest, StrangerIsNamed) {
  const Child server;
  const curfew::testing::TreeOf tree(server.pid());
  ServerIs(tree);
  const FileDescriptor socket = ListenUnix(dir_.path() / "s", SOCK_STREAM);
  const Observation seen = Look(Ready::Unix("s"));
  EXPECT_FALSE(seen.satisfied);
  ASSERT_TRUE(seen.taken);
  EXPECT_THAT(*seen.taken, HasSubstr("pid " + std::to_string(::getpid())));
}

TEST_F(UnixProbeTest, ListenerThatLeftItsSocketToAnotherIsJudgedByWhoHoldsIt) {
  // The child listens on the socket this process holds, too, and ends.
  const FileDescriptor bound = ListenUnix(dir_.path() / "s", SOCK_STREAM);
  Child daemoniser([&bound] { return ::listen(bound.get(), 8); });
  ASSERT_EQ(daemoniser.Collect(), 0);
  EXPECT_TRUE(Look(Ready::Unix("s")).satisfied);

  curfew::testing::MockUnixTable refused;
  subject_.unix_sockets = &refused;
  EXPECT_CALL(refused, At)
      .WillOnce(Return(process::Result<std::vector<UnixSocket>>(Failure{"list the Unix sockets", EPERM})));
  const Observation seen = Look(Ready::Unix("s"));
  EXPECT_TRUE(seen.satisfied) << seen.saw;
  EXPECT_THAT(seen.saw, AllOf(HasSubstr("not provable"), HasSubstr("EPERM")));
}

using LogProbeTest = ProbeTest;

TEST_F(LogProbeTest, IsSatisfiedByAFinishedLine) {
  const auto probe = Make(Ready::Log("ready$"));
  EXPECT_THAT(probe->Look(kNow).saw, HasSubstr("none of 0 lines"));
  dir_.Append("log", "starting\nalmost ready");
  const Observation unfinished = probe->Look(kNow);
  EXPECT_FALSE(unfinished.satisfied);
  EXPECT_THAT(unfinished.saw,
              AllOf(HasSubstr("none of 1 lines"), HasSubstr("would match: \"almost ready\"")));
  dir_.Append("log", "\n");
  const Observation seen = probe->Look(kNow);
  EXPECT_TRUE(seen.satisfied);
  EXPECT_EQ(seen.saw, "log: \"almost ready\" matched");
}

TEST_F(LogProbeTest, LinesOfAnEarlierStartDoNotCount) {
  dir_.Append("log", "ready\n");
  subject_.log_offset = 6;
  EXPECT_FALSE(Look(Ready::Log("ready")).satisfied);
}

TEST_F(LogProbeTest, FloodIsReadInPortionsAndAskedForAgainAtOnce) {
  dir_.Append("log", std::string(1 << 20, 'x') + "\nready\n");
  const auto probe = Make(Ready::Log("ready"));
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  EXPECT_TRUE(probe->Busy());
  EXPECT_EQ(probe->WantsLook(), kNow);
  EXPECT_TRUE(AskOnce(*probe).empty()) << "goes on to the end";
}

using FileProbeTest = ProbeTest;

TEST_F(FileProbeTest, IsSatisfiedByAPathThatExists) {
  EXPECT_EQ(Look(Ready::File("pid")).saw, "file " + (dir_.path() / "pid").native() + ": not there");
  dir_.Append("pid", "1");
  EXPECT_TRUE(Look(Ready::File("pid")).satisfied);
  EXPECT_TRUE(Look(Ready::File("/")).satisfied);
}

TEST_F(FileProbeTest, PathThatCannotBeReachedSaysWhy) {
  dir_.Append("file", "");
  EXPECT_FALSE(Look(Ready::File("file/below")).satisfied);
  EXPECT_THAT(Look(Ready::File(std::string(5000, 'x'))).saw, HasSubstr("ENAMETOOLONG"));
}

using WhenProbeTest = ProbeTest;

TEST_F(WhenProbeTest, AsksTheFunctionAboutTheAddress) {
  PortIs(4711);
  EXPECT_TRUE(Look(Ready::When([](const ServerAddress& at) { return at.port() == 4711; })).satisfied);
  EXPECT_EQ(Look(Ready::When([](const ServerAddress&) { return false; })).saw, "When(): false");
}

TEST_F(WhenProbeTest, ExceptionMeansNotYetAndIsShown) {
  EXPECT_EQ(Look(Ready::When([](const ServerAddress& at) { return at.port("nope") > 0; })).saw.substr(0, 14),
            "When(): threw ");
  EXPECT_EQ(Look(Ready::When([](const ServerAddress&) -> bool { throw std::runtime_error("no route"); })).saw,
            "When(): threw \"no route\"");
  EXPECT_FALSE(Look(Ready::When([](const ServerAddress&) -> bool { throw 5; })).satisfied);
}

// Parts of a group, played by mocks.
class GroupProbeTest : public ::testing::Test {
 protected:
  GroupProbe Make(GroupProbe::Needs needs) {
    std::vector<std::unique_ptr<Probe>> parts;
    for (auto& part : owned_) parts.push_back(std::move(part));
    return {needs, std::move(parts)};
  }
  std::vector<std::unique_ptr<::testing::NiceMock<MockProbe>>> owned_ = [] {
    std::vector<std::unique_ptr<::testing::NiceMock<MockProbe>>> parts;
    for (int i = 0; i < 2; ++i) parts.push_back(std::make_unique<::testing::NiceMock<MockProbe>>());
    return parts;
  }();
  MockProbe& first_ = *owned_[0];
  MockProbe& second_ = *owned_[1];
};

TEST_F(GroupProbeTest, AllAsksEachPartUntilItHasHeldOnce) {
  EXPECT_CALL(first_, Look).WillOnce(Return(Satisfied()));
  EXPECT_CALL(second_, Look).WillOnce(Return(NotYet())).WillOnce(Return(Satisfied()));
  GroupProbe all = Make(GroupProbe::Needs::kAll);
  EXPECT_FALSE(all.Look(kNow).satisfied);
  EXPECT_TRUE(all.Look(kNow).satisfied);
}

TEST_F(GroupProbeTest, AnyIsSatisfiedByOne) {
  EXPECT_CALL(first_, Look).WillOnce(Return(NotYet())).WillOnce(Return(NotYet()));
  EXPECT_CALL(second_, Look).WillOnce(Return(NotYet())).WillOnce(Return(Satisfied()));
  GroupProbe any = Make(GroupProbe::Needs::kAny);
  EXPECT_FALSE(any.Look(kNow).satisfied);
  EXPECT_TRUE(any.Look(kNow).satisfied);
}

TEST_F(GroupProbeTest, StrangerOfAPartIsTheGroups) {
  EXPECT_CALL(first_, Look).WillOnce(Return(NotYet()));
  EXPECT_CALL(second_, Look).WillOnce(Return(Taken("pid 7")));
  EXPECT_EQ(Make(GroupProbe::Needs::kAll).Look(kNow).taken, "pid 7");
}

TEST_F(GroupProbeTest, StrangerDoesNotMatterOnceAnotherPartIsEnough) {
  EXPECT_CALL(first_, Look).WillOnce(Return(Taken("pid 7")));
  EXPECT_CALL(second_, Look).WillOnce(Return(Satisfied()));
  const Observation seen = Make(GroupProbe::Needs::kAny).Look(kNow);
  EXPECT_TRUE(seen.satisfied);
  EXPECT_FALSE(seen.taken);
}

TEST_F(GroupProbeTest, WantsWhatItsUnsatisfiedPartsWant) {
  EXPECT_CALL(first_, Look).WillOnce(Return(Satisfied()));
  EXPECT_CALL(first_, WantsLook).Times(0);
  EXPECT_CALL(first_, AddDescriptors).Times(0);
  EXPECT_CALL(second_, WantsLook).WillOnce(Return(kNow + 5s));
  EXPECT_CALL(second_, Busy).WillRepeatedly(Return(true));
  EXPECT_CALL(second_, AddDescriptors).WillOnce([](std::vector<pollfd>& descriptors) {
    descriptors.push_back({.fd = 99, .events = POLLIN, .revents = 0});
  });
  GroupProbe all = Make(GroupProbe::Needs::kAll);
  static_cast<void>(all.Look(kNow));
  EXPECT_EQ(all.WantsLook(), kNow + 5s);
  EXPECT_TRUE(all.Busy());
  std::vector<pollfd> descriptors;
  all.AddDescriptors(descriptors);
  EXPECT_EQ(descriptors.size(), 1U);
}

TEST_F(ProbeTest, GroupsNestAndReportEveryPart) {
  dir_.Append("a", "");
  const auto probe =
      Make(Ready::All({Ready::File("a"), Ready::Any({Ready::File("b"), Ready::Log("ready")})}));
  EXPECT_FALSE(probe->Look(kNow).satisfied);
  std::vector<Observation> seen;
  probe->AppendSeen(seen);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_TRUE(seen[0].satisfied);
  EXPECT_FALSE(seen[1].satisfied);
  dir_.Append("log", "ready\n");
  EXPECT_TRUE(probe->Look(kNow).satisfied);
}

TEST_F(ProbeTest, AskOnceOfASatisfiedProbeIsEmpty) {
  dir_.Append("b", "");
  const auto probe = Make(Ready::Any({Ready::File("a"), Ready::File("b")}));
  EXPECT_TRUE(AskOnce(*probe).empty());
  const auto missing = Make(Ready::All({Ready::File("a"), Ready::File("b")}));
  EXPECT_EQ(AskOnce(*missing).size(), 2U);
}

TEST_F(ProbeTest, EmptyAllHoldsAtOnce) {
  EXPECT_TRUE(Look(Ready::All({})).satisfied);
}

using FileBeforeTest = ProbeTest;

TEST_F(FileBeforeTest, FileOfAnEarlierLifeIsNotTheOneThatIsMeant) {
  dir_.Append("ready", "1\n");
  for (const Ready& ready : {Ready::File("ready"), Ready::FileSettled("ready", 1ms)}) {
    subject_.files_before = VersionsNow(Ready::All({ready, Ready::File("not there")}), subject_.address);
    EXPECT_EQ(subject_.files_before.size(), 1U);
    const auto probe = Make(ready);
    for (const auto passed : {0ms, 10ms}) {
      const Observation old = probe->Look(kNow + passed);
      EXPECT_FALSE(old.satisfied);
      EXPECT_THAT(old.saw, HasSubstr("an earlier life may have left it"));
    }
    dir_.Append("ready", "2\n");
    static_cast<void>(probe->Look(kNow + 20ms));
    EXPECT_TRUE(probe->Look(kNow + 30ms).satisfied);
  }
}

TEST_F(FileBeforeTest, FileThatIsPutInItsPlaceIs) {
  dir_.Append("ready", "1\n");
  subject_.files_before = VersionsNow(Ready::File("ready"), subject_.address);
  dir_.Append("next", "1\n");
  std::filesystem::rename(dir_.path() / "next", dir_.path() / "ready");
  EXPECT_TRUE(Look(Ready::File("ready")).satisfied);
}

// Servers remove what an earlier life left: whoever looks twice may see it there, and then something else than before.
TEST_F(FileBeforeTest, FileThatIsBeingRemovedIsNone) {
  dir_.Append("old", "1\n");
  const auto path = dir_.path() / "ready";
  std::filesystem::create_symlink("old", path);
  subject_.files_before = VersionsNow(Ready::File("ready"), subject_.address);
  const auto probe = Make(Ready::File("ready"));
  std::atomic<bool> done = false;
  std::thread server([&] {
    while (!done) {
      std::filesystem::remove(path);
      std::filesystem::create_symlink("old", path);
    }
  });
  bool satisfied = false;
  for (int looks = 0; looks < 50'000 && !satisfied; ++looks) satisfied = probe->Look(kNow).satisfied;
  done = true;
  server.join();
  EXPECT_FALSE(satisfied);
}

}  // namespace
}  // namespace curfew::readiness
