// SPDX-License-Identifier: Apache-2.0
#include "readiness/race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "child.h"
#include "mocks.h"
#include "process/pidfd.h"
#include "sockets.h"

namespace curfew::readiness {
namespace {

using namespace std::chrono_literals;
using curfew::testing::Child;
using curfew::testing::Listen;
using curfew::testing::MockClock;
using curfew::testing::MockLife;
using curfew::testing::MockProbe;
using curfew::testing::NotYet;
using curfew::testing::PortOf;
using curfew::testing::Satisfied;
using curfew::testing::Taken;
using process::FileDescriptor;
using ::testing::InSequence;
using ::testing::NiceMock;
using ::testing::Return;
using Kind = Outcome::Kind;

constexpr Deadline kStart{1000s};

// Time stands still unless the test moves it, so a pause never ends: whatever is looked at, an event was why.
// A wait that misses its event hangs, and the alarm ends it.
class RaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::alarm(60);
    ON_CALL(clock_, Now).WillByDefault([this] { return now_; });
    ON_CALL(life_, fd).WillByDefault([this] { return life_event_.get(); });
    ON_CALL(life_, ListenHint).WillByDefault(Return(-1));
    ON_CALL(life_, Ended).WillByDefault([this] {
      std::uint64_t count = 0;
      static_cast<void>(!::read(life_event_.get(), &count, sizeof count));
      return ended_;
    });
    ON_CALL(probe_, Look).WillByDefault(Return(NotYet()));
  }
  void TearDown() override { ::alarm(0); }

  Outcome Await(Deadline deadline = kStart + 1h) {
    return AwaitReady(probe_, life_, dir_.path() / "log", cancel_.get_token(), deadline, clock_);
  }
  static void Signal(const FileDescriptor& event) {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(event.get(), &one, sizeof one));
  }
  static FileDescriptor NewEvent() { return FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
  void LeaderEnds() {
    ended_ = true;
    Signal(life_event_);
  }

  curfew::testing::TempDir dir_;
  Deadline now_ = kStart;
  bool ended_ = false;
  FileDescriptor life_event_ = NewEvent();
  std::stop_source cancel_;
  NiceMock<MockClock> clock_;
  NiceMock<MockLife> life_;
  NiceMock<MockProbe> probe_;
};

TEST_F(RaceTest, SatisfiedAtTheFirstLookIsReady) {
  EXPECT_CALL(probe_, Look(kStart)).WillOnce(Return(Satisfied()));
  EXPECT_CALL(probe_, AppendSeen).WillRepeatedly([](std::vector<Observation>& seen) {
    seen.push_back(Satisfied("up"));
  });
  const Outcome outcome = Await();
  EXPECT_EQ(outcome.kind, Kind::kReady);
  EXPECT_EQ(outcome.looks, 1);
  EXPECT_EQ(outcome.taken, "");
  ASSERT_EQ(outcome.seen.size(), 1U);
  EXPECT_EQ(outcome.seen.front().saw, "up");
}

TEST_F(RaceTest, LeaderThatIsDeadAlreadyHasDiedWhateverTheProbeWouldSay) {
  ended_ = true;
  EXPECT_CALL(probe_, Look).Times(0);
  EXPECT_EQ(Await().kind, Kind::kDied);
}

TEST_F(RaceTest, LeaderThatDiesWhileAProbeIsSatisfiedHasDied) {
  EXPECT_CALL(probe_, Look).WillOnce([this](Deadline) {
    LeaderEnds();
    return Satisfied();
  });
  EXPECT_EQ(Await().kind, Kind::kDied);
}

TEST_F(RaceTest, DeathEndsTheWaitWithoutAnotherLook) {
  EXPECT_CALL(probe_, Look).WillOnce([this](Deadline) {
    LeaderEnds();
    return NotYet();
  });
  const Outcome outcome = Await();
  EXPECT_EQ(outcome.kind, Kind::kDied);
  EXPECT_EQ(outcome.looks, 1);
}

TEST_F(RaceTest, DeathNamesTheStrangerWhoMayBeWhy) {
  ended_ = true;
  EXPECT_CALL(probe_, Stranger).WillOnce(Return("port 80 is held by pid 7"));
  EXPECT_EQ(Await().taken, "port 80 is held by pid 7");
}

TEST_F(RaceTest, NewsThatIsNoDeathIsASignOfLife) {
  InSequence sequence;
  EXPECT_CALL(probe_, Look).WillOnce([this](Deadline) {
    Signal(life_event_);
    return NotYet();
  });
  EXPECT_CALL(probe_, Look).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

TEST_F(RaceTest, StrangerEndsTheWaitAtOnce) {
  EXPECT_CALL(probe_, Look).WillOnce(Return(Taken("port 80 is held by pid 7")));
  const Outcome outcome = Await();
  EXPECT_EQ(outcome.kind, Kind::kTaken);
  EXPECT_EQ(outcome.taken, "port 80 is held by pid 7");
}

TEST_F(RaceTest, DeadlineIsTimedOutAfterALastLook) {
  EXPECT_CALL(probe_, Look)
      .WillOnce([this](Deadline) {
        now_ = kStart + 30s;
        return NotYet();
      })
      .WillOnce(Return(NotYet()));
  const Outcome outcome = Await(kStart + 30s);
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_EQ(outcome.elapsed, 30s);
  EXPECT_EQ(outcome.looks, 2);
}

TEST_F(RaceTest, SatisfiedAtTheDeadlineIsReady) {
  EXPECT_CALL(probe_, Look).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await(kStart - 1h).kind, Kind::kReady) << "a deadline in the past leaves one look";
}

TEST_F(RaceTest, DeathAtTheDeadlineIsDeath) {
  EXPECT_CALL(probe_, Look(kStart)).WillOnce([this](Deadline) {
    LeaderEnds();
    return NotYet();
  });
  EXPECT_EQ(Await(kStart).kind, Kind::kDied);
}

TEST_F(RaceTest, CancelledBeforeItBeginsDoesNotLook) {
  cancel_.request_stop();
  EXPECT_CALL(probe_, Look).Times(0);
  EXPECT_EQ(Await().kind, Kind::kCancelled);
}

TEST_F(RaceTest, CancelledFromAnotherThreadEndsTheWait) {
  std::jthread canceller;
  EXPECT_CALL(probe_, Look).WillOnce([&](Deadline) {
    canceller = std::jthread([this] { cancel_.request_stop(); });
    return NotYet();
  });
  EXPECT_EQ(Await().kind, Kind::kCancelled);
}

TEST_F(RaceTest, DeathIsToldBeforeCancellation) {
  cancel_.request_stop();
  ended_ = true;
  EXPECT_EQ(Await().kind, Kind::kDied);
}

TEST_F(RaceTest, OutputIsLookedAtAtOnce) {
  dir_.Append("log", "");
  EXPECT_CALL(probe_, Look)
      .WillOnce([this](Deadline) {
        now_ = kStart + 10min;  // from here the pauses are long
        return NotYet();
      })
      .WillOnce([this](Deadline) {
        now_ += 5ms;
        dir_.Append("log", "listening\n");
        return NotYet();
      })
      .WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

TEST_F(RaceTest, HintOfListeningIsTakenAndLookedAtAtOnce) {
  const FileDescriptor hint = NewEvent();
  ON_CALL(life_, ListenHint).WillByDefault(Return(hint.get()));
  EXPECT_CALL(life_, TakeListenHint).WillOnce([&] {
    std::uint64_t count = 0;
    static_cast<void>(!::read(hint.get(), &count, sizeof count));
  });
  EXPECT_CALL(probe_, Look).WillOnce([&](Deadline) {
    Signal(hint);
    return NotYet();
  }).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

// The warden takes the call away from under the hint where it is quicker; then its word has to do.
TEST_F(RaceTest, CallThatIsToldWithoutAHintIsPreparedForToo) {
  const FileDescriptor hint = NewEvent();
  ON_CALL(life_, ListenHint).WillByDefault(Return(hint.get()));
  unsigned calls = 0;
  ON_CALL(life_, ListenCalls).WillByDefault([&] { return calls; });
  EXPECT_CALL(probe_, ListenComes).Times(1);
  EXPECT_CALL(probe_, Look).WillOnce([&](Deadline) {
    calls = 1;
    Signal(life_event_);
    return NotYet();
  }).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

TEST_F(RaceTest, CallIsPreparedForOnceWhereHintAndWordCome) {
  const FileDescriptor hint = NewEvent();
  ON_CALL(life_, ListenHint).WillByDefault(Return(hint.get()));
  ON_CALL(life_, TakeListenHint).WillByDefault([&] {
    std::uint64_t count = 0;
    static_cast<void>(!::read(hint.get(), &count, sizeof count));
  });
  unsigned calls = 0;
  ON_CALL(life_, ListenCalls).WillByDefault([&] { return calls; });
  EXPECT_CALL(probe_, ListenComes).Times(1);
  EXPECT_CALL(probe_, Look).WillOnce([&](Deadline) {
    Signal(hint);
    return NotYet();
  }).WillOnce([&](Deadline) {
    calls = 1;
    Signal(life_event_);
    return NotYet();
  }).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

// A server may call listen(2) for ever; whoever waits is woken by the first ones only.
TEST_F(RaceTest, HintsWithoutEndAreLeftAlone) {
  const FileDescriptor hint = NewEvent();
  Signal(hint);  // and never taken
  ON_CALL(life_, ListenHint).WillByDefault(Return(hint.get()));
  EXPECT_CALL(life_, TakeListenHint).Times(64);
  int looks = 0;
  ON_CALL(probe_, Look).WillByDefault([&](Deadline) {
    if (++looks == 200) cancel_.request_stop();
    now_ += 20ms;  // longer than any pause
    return NotYet();
  });
  EXPECT_EQ(Await().kind, Kind::kCancelled);
}

TEST_F(RaceTest, DescriptorOfAProbeIsLookedAtAtOnce) {
  const FileDescriptor event = NewEvent();
  ON_CALL(probe_, AddDescriptors).WillByDefault([&event](std::vector<pollfd>& descriptors) {
    descriptors.push_back({.fd = event.get(), .events = POLLIN, .revents = 0});
  });
  EXPECT_CALL(probe_, Look)
      .WillOnce([&event](Deadline) {
        Signal(event);
        return NotYet();
      })
      .WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

TEST_F(RaceTest, ProbeThatWantsALookGetsIt) {
  ON_CALL(probe_, WantsLook).WillByDefault(Return(kStart));
  EXPECT_CALL(probe_, Look).WillOnce(Return(NotYet())).WillOnce(Return(Satisfied()));
  EXPECT_EQ(Await().kind, Kind::kReady);
}

TEST_F(RaceTest, SignalsInterruptNothing) {
  struct sigaction quiet {};
  quiet.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction before {};
  ::sigaction(SIGALRM, &quiet, &before);
  const itimerval often{.it_interval = {0, 500}, .it_value = {0, 500}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const Deadline deadline = std::chrono::steady_clock::now() + 50ms;
  const Outcome outcome = AwaitReady(probe_, life_, dir_.path() / "log", {}, deadline);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_GE(outcome.elapsed, 0s);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

TEST_F(RaceTest, WaitsInSeveralThreadsDoNotDisturbEachOther) {
  const auto wait = [](const std::string& name) {
    const curfew::testing::TempDir dir;
    dir.Append("log", "");
    NiceMock<MockLife> life;
    ON_CALL(life, fd).WillByDefault(Return(-1));
    NiceMock<MockProbe> probe;
    int looks = 0;
    ON_CALL(probe, Look).WillByDefault([&](Deadline) {
      dir.Append("log", name);
      return ++looks < 20 ? NotYet() : Satisfied();
    });
    EXPECT_EQ(AwaitReady(probe, life, dir.path() / "log", {}, std::chrono::steady_clock::now() + 1h).kind,
              Kind::kReady);
  };
  const std::jthread one([&] { wait("one\n"); });
  const std::jthread two([&] { wait("two\n"); });
}

// A forked child as the server, and the real probes.
class PidLife final : public Life {
 public:
  explicit PidLife(pid_t pid) : pidfd_(process::Pidfd::Open(pid)) {}
  [[nodiscard]] int fd() const override { return pidfd_.value().get(); }
  [[nodiscard]] bool Ended() override { return pidfd_.value().Ended(); }

 private:
  process::Result<process::Pidfd> pidfd_;
};

class RaceOnRealServersTest : public ::testing::Test {
 protected:
  Outcome Await(const Ready& ready, const Child& server, std::uint16_t port = 1) {
    const procfs::Proc proc;
    const auto table = MakeListenerTable(proc);
    const curfew::testing::TreeOf tree(server.pid());
    const Subject subject{.address = {.host = "127.0.0.1", .ports = {{"", port}}, .dir = dir_.path()},
                          .log = dir_.path() / "log",
                          .tree = &tree,
                          .proc = &proc,
                          .listeners = table.get()};
    const auto probe = MakeProbe(ready, subject);
    PidLife life(server.pid());
    return AwaitReady(*probe, life, subject.log, {}, std::chrono::steady_clock::now() + 1h);
  }
  // A number that was free a moment ago. A reservation would do better, and is another box.
  static std::uint16_t FreePort() { return PortOf(Listen("127.0.0.1")); }

  curfew::testing::TempDir dir_;
};

TEST_F(RaceOnRealServersTest, ServerThatListensIsReady) {
  const std::uint16_t port = FreePort();
  const Child server([port] {
    ::alarm(60);
    const FileDescriptor socket = Listen("127.0.0.1", {.port = port});
    return ::pause();
  });
  const Outcome outcome = Await(Ready::Tcp(), server, port);
  EXPECT_EQ(outcome.kind, Kind::kReady);
  EXPECT_GE(outcome.looks, 1);
}

TEST_F(RaceOnRealServersTest, ServerThatAnswersIsReady) {
  const std::uint16_t port = FreePort();
  const Child server([port] {
    ::alarm(60);
    const FileDescriptor socket = Listen("127.0.0.1", {.port = port});
    for (const char* status : {"503 Not Yet", "503 Not Yet", "200 OK"}) {
      const FileDescriptor connection = curfew::testing::Accept(socket);
      static_cast<void>(curfew::testing::ReceiveHeader(connection));
      curfew::testing::Send(connection, std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 0\r\n\r\n");
    }
    return ::pause();
  });
  const Outcome outcome = Await(Ready::Http(), server, port);
  EXPECT_EQ(outcome.kind, Kind::kReady);
  EXPECT_EQ(outcome.seen.front().saw, "GET /: 200 OK");
}

TEST_F(RaceOnRealServersTest, ServerThatWritesALineIsReady) {
  const Child server([this] {
    ::alarm(60);
    dir_.Append("log", "starting\nready\n");
    return ::pause();
  });
  EXPECT_EQ(Await(Ready::Log("^ready$"), server).kind, Kind::kReady);
}

TEST_F(RaceOnRealServersTest, ServerThatExitsHasDied) {
  const Child server([] { return 3; });
  EXPECT_EQ(Await(Ready::Tcp(), server, FreePort()).kind, Kind::kDied);
}

TEST_F(RaceOnRealServersTest, StaleServerOnThePortIsNamedWhetherOrNotTheNewOneHasDied) {
  const FileDescriptor stale = Listen("127.0.0.1");
  const std::string name = "pid " + std::to_string(::getpid());
  const auto close_it = [&stale] { return ::close(stale.get()); };
  const Child dies([&] {
    close_it();
    return 1;
  });
  dies.WaitUntilZombie();
  const Outcome died = Await(Ready::Tcp(), dies, PortOf(stale));
  EXPECT_EQ(died.kind, Kind::kDied);
  EXPECT_NE(died.taken.find(name), std::string::npos) << died.taken;

  const int ready_to_be_looked_at = ::eventfd(0, EFD_CLOEXEC);
  const Child lives([&] {
    close_it();
    ::eventfd_write(ready_to_be_looked_at, 1);
    ::alarm(60);
    return ::pause();
  });
  eventfd_t closed = 0;
  ::eventfd_read(ready_to_be_looked_at, &closed);
  ::close(ready_to_be_looked_at);
  const Outcome taken = Await(Ready::Http(), lives, PortOf(stale));
  EXPECT_EQ(taken.kind, Kind::kTaken);
  EXPECT_NE(taken.taken.find(name), std::string::npos) << taken.taken;
}

TEST_F(RaceTest, HopelessEndsTheWaitBeforeTheDeadlineAndDeathStillGoesFirst) {
  Observation hopeless = NotYet();
  hopeless.hopeless = "too late";
  EXPECT_CALL(probe_, Look).WillRepeatedly(Return(hopeless));
  const Outcome outcome = AwaitReady(probe_, life_, {}, {}, kStart + 1h, clock_);
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_EQ(outcome.hopeless, "too late");

  EXPECT_CALL(life_, Ended).WillOnce(Return(false)).WillOnce(Return(true));
  EXPECT_EQ(AwaitReady(probe_, life_, {}, {}, kStart + 1h, clock_).kind, Kind::kDied);
}

TEST_F(RaceTest, ExtensionMovesTheDeadlineToAtMostTenTimesTheTime) {
  EXPECT_CALL(probe_, Extension).WillRepeatedly(Return(kStart + 24h));
  EXPECT_CALL(probe_, WantsLook).WillRepeatedly([this] {
    now_ += 100ms;
    return now_;
  });
  const Outcome outcome = AwaitReady(probe_, life_, {}, {}, kStart + 1s, clock_);
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_EQ(outcome.allowed, 10s);
  EXPECT_GE(outcome.elapsed, 10s);
  EXPECT_LT(outcome.elapsed, 11s);
}

TEST_F(RaceTest, ObserverIsToldAfterTwoSecondsAndThenNowAndAgain) {
  struct Recorder : WaitObserver {
    void Waiting(Duration waited, Duration allowed, const std::vector<Observation>&) override {
      EXPECT_EQ(allowed, 5s);
      EXPECT_GE(waited, last + (last == Duration() ? Duration(2s) : Duration(500ms)));
      last = waited;
      ++calls;
    }
    Duration last{};
    int calls = 0;
  } recorder;
  EXPECT_CALL(probe_, WantsLook).WillRepeatedly([this] {
    now_ += 100ms;
    return now_;
  });
  static_cast<void>(AwaitReady(probe_, life_, {}, {}, kStart + 5s, clock_, &recorder));
  EXPECT_GE(recorder.calls, 4);
  EXPECT_LE(recorder.calls, 7);
}

}  // namespace
}  // namespace curfew::readiness
