// SPDX-License-Identifier: Apache-2.0
#include <curfew/leak.h>
#include <curfew/stop.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <sstream>

#include "samples.h"

namespace curfew {
namespace {

using curfew::testing::PlainProcess;
using curfew::testing::WildProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

Leak Daemon() {
  Leak leak;
  leak.process = PlainProcess(4711, {"memcached", "-d", "-p", "11211"});
  leak.process.cwd = "/tmp";
  leak.process.ports = {11211, 11212};
  leak.escapes = {"its parent is gone (daemonised or orphaned)", "own session 4711 (setsid)"};
  leak.evidence = {"tag", "mark"};
  leak.server = "cache";
  leak.test = "CacheTest.Expires";
  leak.reaped = true;
  return leak;
}

TEST(LeakTextTest, TellsWhoWhatHowAndWhatBecameOfIt) {
  std::string text = Daemon().ToString();
  // The time of day depends on the zone.
  const auto started = text.find("started ") + 8;
  text.replace(started, 8, "HH:MM:SS");
  EXPECT_EQ(text,
            "leaked process 4711: memcached -d -p 11211\n"
            "  begun by    server cache in CacheTest.Expires\n"
            "  escaped     its parent is gone (daemonised or orphaned), own session 4711 (setsid)\n"
            "  process     ppid 1, group 4711, session 4711, uid 33, state S, started HH:MM:SS\n"
            "  directory   /tmp\n"
            "  listens on  11211 11212\n"
            "  known by    tag, mark\n"
            "  now         reaped: nothing of it is left\n");
}

TEST(LeakTextTest, TellsWhatIsNotThereToo) {
  auto leak = Daemon();
  leak.server.clear();
  leak.escapes.clear();
  leak.process.ports.clear();
  leak.process.cwd.clear();
  leak.reaped = false;
  leak.why_alive = "EPERM: runs as uid 33";
  EXPECT_THAT(leak.ToString(),
              AllOf(HasSubstr("begun by    the test itself in CacheTest.Expires"),
                    HasSubstr("it was simply left running"), Not(HasSubstr("listens")),
                    Not(HasSubstr("directory")), HasSubstr("STILL ALIVE: EPERM: runs as uid 33")));
}

TEST(LeakTextTest, NothingOfAProcessCanForgeALineOrReachTheTerminal) {
  auto leak = Daemon();
  leak.process = WildProcess();
  leak.process.cwd = "/tmp/x\n  now         reaped\x1b[2J";
  const auto text = leak.ToString();
  const auto plain = Daemon().ToString();
  EXPECT_EQ(std::ranges::count(text, '\n'), std::ranges::count(plain, '\n')) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find('\xff'), std::string::npos) << text;
}

// Of a journal that anybody may have written.
TEST(LeakTextTest, NothingOfAJournalCanForgeALineOrReachTheTerminal) {
  const std::string wild = "x\n  now         reaped\x1b]0;title\x07\xff";
  auto leak = Daemon();
  leak.ancestors = {"sh -c 'a\\x0Ab'", wild};
  leak.escapes = leak.evidence = leak.holds = {wild};
  leak.run = leak.test = leak.server = leak.exempted = leak.why_alive = wild;
  leak.process.state = '\x1b';
  leak.reaped = false;
  const auto text = leak.ToString();
  const auto plain = Daemon().ToString();
  EXPECT_EQ(std::ranges::count(text, '\n'), std::ranges::count(plain, '\n') + 2) << text;  // holds, exempted
  for (const char byte : {'\x1b', '\x07', '\xff'}) EXPECT_EQ(text.find(byte), std::string::npos) << text;
  EXPECT_THAT(text, HasSubstr("by way of sh -c 'a\\x0Ab' > x\\x0A")) << "what is escaped already stays as it is";
  StopResult stop;
  stop.survivors.push_back({leak.process, wild});
  EXPECT_EQ(stop.ToString().find('\x1b'), std::string::npos);
}

TEST(LeakTextTest, StreamsAsItsText) {
  std::ostringstream out;
  out << Daemon();
  EXPECT_EQ(out.str(), Daemon().ToString());
}

StopResult Stopped(std::initializer_list<int> needed) {
  StopResult result;
  result.leader = ExitStatus::Exited(0);
  result.took = 12ms;
  pid_t pid = 100;
  for (const int signal : needed)
    result.processes.push_back({PlainProcess(++pid, {"server"}), signal, std::nullopt});
  return result;
}

TEST(StopResultTest, CountsWhoNeededWhat) {
  EXPECT_EQ(Stopped({}).ToString(), "stopped in 12 ms, the leader exited with status 0");
  EXPECT_EQ(Stopped({SIGTERM}).ToString(),
            "stopped in 12 ms, the leader exited with status 0: 1 process ended on SIGTERM");
  EXPECT_EQ(Stopped({SIGTERM, SIGTERM, 0}).ToString(),
            "stopped in 12 ms, the leader exited with status 0: 1 process ended by itself, 2 processes ended "
            "on SIGTERM");
}

TEST(StopResultTest, NamesWhoHadToBeKilled) {
  EXPECT_THAT(Stopped({SIGTERM, SIGKILL}).ToString(),
              AllOf(HasSubstr("1 process ended on SIGKILL"), HasSubstr("\n  had to be killed: 102 server")));
}

TEST(StopResultTest, IsGracefulUnlessSomebodyWasKilledOrLives) {
  EXPECT_TRUE(Stopped({}).graceful());
  EXPECT_TRUE(Stopped({0, SIGTERM, SIGINT}).graceful());
  EXPECT_FALSE(Stopped({SIGTERM, SIGKILL}).graceful());
  auto result = Stopped({SIGTERM});
  result.survivors.push_back({PlainProcess(101, {"server"}), "EPERM: runs as uid 33"});
  EXPECT_FALSE(result.graceful());
}

TEST(StopResultTest, ASurvivorIsNotCountedAmongTheEnded) {
  auto result = Stopped({SIGTERM, SIGKILL});
  result.survivors.push_back({PlainProcess(102, {"server"}), "uninterruptible sleep in nfs_wait"});
  EXPECT_THAT(result.ToString(),
              AllOf(HasSubstr("1 process ended on SIGTERM"), Not(HasSubstr("ended on SIGKILL")),
                    Not(HasSubstr("had to be killed")),
                    HasSubstr("\n  STILL ALIVE: 102 server (uninterruptible sleep in nfs_wait)")));
}

}  // namespace
}  // namespace curfew
