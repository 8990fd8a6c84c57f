// SPDX-License-Identifier: Apache-2.0
// The contract of Server, on our own samples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>

#include <curfew/curfew.h>

#include "processes.h"
#include "server/run.h"

namespace curfew {
namespace {

using testing::HasSubstr;
using testing_support::Eventually;
using testing_support::ReadFile;

ServerSpec Sample(const std::string& name) {
  return {.command = {CURFEW_SAMPLE_DIR "/" + name, "--port", "{port}"}};
}

std::string Echo(const Server& server, const std::string& line) {
  return TcpClient(server.host(), server.port()).Exchange(line);
}

TEST(ServerTest, IsUsableAsSoonAsItIsStarted) {
  auto server = Server::Start(Sample("tcp_echo"));
  EXPECT_EQ(Echo(server, "hello"), "hello");
  EXPECT_THAT(server, IsReady());
  EXPECT_THAT(server, IsListeningOn(server.port()));
  EXPECT_THAT(server, HasNoDescendants());
  EXPECT_EQ(server.url("/x"), "http://127.0.0.1:" + std::to_string(server.port()) + "/x");
  EXPECT_TRUE(std::filesystem::is_directory(server.dir()));
}

TEST(ServerTest, StopTellsWhoNeededWhat) {
  auto polite = Server::Start(Sample("forks_workers"));
  const auto result = polite.Stop();
  EXPECT_THAT(result, StoppedGracefully());
  EXPECT_GE(result.processes.size(), 2U) << result;
  EXPECT_FALSE(polite.running());

  auto spec = Sample("ignores_sigterm");
  spec.stop = {{{SIGTERM, 100ms}}};
  auto stubborn = Server::Start(std::move(spec));
  const auto killed = stubborn.Stop();
  EXPECT_FALSE(killed.graceful());
  EXPECT_THAT(killed, WasKilledBy(SIGKILL));
  EXPECT_THAT(killed.ToString(), HasSubstr("had to be killed"));
}

TEST(ServerTest, StopHonoursTheGraceOfASlowServer) {
  auto spec = Sample("slow_stop");
  // So long that a stop which does not wait for the server is told by its result, and one that waits for the
  // whole grace by the test's time-out.
  spec.stop = {{{SIGTERM, 1h}}};
  auto server = Server::Start(std::move(spec));
  const auto result = server.Stop();
  EXPECT_THAT(result, StoppedGracefully());
  EXPECT_THAT(result, HasExited(0));
  EXPECT_THAT(server, HasLogLine("stopped"));
}

TEST(ServerTest, RestartKeepsPortAndDirectory) {
  auto server = Server::Start(Sample("tcp_echo"));
  const auto port = server.port();
  std::ofstream(server.dir() / "data") << "kept";
  server.Restart();
  EXPECT_EQ(server.port(), port);
  EXPECT_EQ(ReadFile(server.dir() / "data"), "kept");
  EXPECT_EQ(Echo(server, "again"), "again");
}

TEST(ServerTest, CrashIsAnAnnouncedDeathAndRestartBringsItBack) {
  auto server = Server::Start(Sample("forks_workers"));
  server.Crash();
  EXPECT_FALSE(server.running());
  EXPECT_TRUE(server.tree().empty()) << server.tree();
  EXPECT_FALSE(server.died_unexpectedly());
  server.Restart();
  EXPECT_TRUE(server.running());
}

TEST(ServerTest, PauseStopsTheWholeTreeAndResumeWakesIt) {
  auto server = Server::Start(Sample("forks_workers"));
  const auto all_are = [&](auto predicate) {
    for (const auto& process : server.tree().processes) {
      if (!predicate(process.state)) return false;
    }
    return true;
  };
  server.Pause();
  EXPECT_TRUE(Eventually([&] { return all_are([](char state) { return state == 'T'; }); })) << server.tree();
  server.Resume();
  EXPECT_TRUE(Eventually([&] { return all_are([](char state) { return state != 'T'; }); })) << server.tree();
}

TEST(ServerTest, AStoppedTreeIsStoppedGracefully) {
  auto server = Server::Start(Sample("tcp_echo"));
  server.Pause();
  EXPECT_THAT(server.Stop(), StoppedGracefully());
}

TEST(ServerTest, SignalAndWaitExitTellHowTheLeaderEnded) {
  auto server = Server::Start(Sample("tcp_echo"));
  EXPECT_EQ(server.WaitExit(1ms), std::nullopt);
  server.Signal(SIGUSR1);
  EXPECT_THAT(server.WaitExit(30s), WasKilledBy(SIGUSR1));
  EXPECT_FALSE(server.running());
}

TEST(ServerTest, UnexpectedDeathIsKnown) {
  auto server = Server::Start(Sample("crashes_later"));
  TcpClient(server.host(), server.port()).Send("die\n");
  EXPECT_TRUE(Eventually([&] { return server.died_unexpectedly(); }));
  server.ExpectExit();  // announced late, but before the test ends
  EXPECT_FALSE(server.died_unexpectedly());
}

TEST(ServerTest, DeathBetweenTheLastLookAndTheStopIsKnown) {
  auto spec =
      ServerSpec{.shell = "touch up; while [ ! -e end ]; do sleep 0.01; done; exit 7", .ready = Ready::File("up")};
  auto server = Server::Start(spec);
  std::ofstream(server.dir() / "end") << "";
  ASSERT_TRUE(Eventually([&] { return server.died_unexpectedly(); }));
  EXPECT_THAT(server.Stop(), HasExited(7));
  EXPECT_EQ(Run::Current().TakeUnexpectedDeaths().size(), 1U);
  EXPECT_TRUE(Run::Current().TakeUnexpectedDeaths().empty()) << "told once";
}

TEST(ServerTest, ReloadSignalDoesNotExcuseALaterCrash) {
  auto server = Server::Start(
      {.shell = "trap : HUP; touch up; while [ ! -e end ]; do sleep 0.01; done; exit 7", .ready = Ready::File("up")});
  server.Signal(SIGHUP);
  std::ofstream(server.dir() / "end") << "";
  EXPECT_TRUE(Eventually([&] { return server.died_unexpectedly(); }));
  server.ExpectExit();
}

TEST(ServerTest, LeaderWhoseMainThreadHasEndedIsAlive) {
  // The kernel shows the descriptors of such a process with its other threads only.
  auto server = Server::Start(Sample("main_thread_ends"));
  EXPECT_TRUE(server.running());
  EXPECT_EQ(server.tree().size(), 1U) << server.tree();
  EXPECT_THAT(server.Stop(), WasKilledBy(SIGTERM));
}

TEST(ServerTest, AGraceForEverIsNoOverflow) {
  auto spec = Sample("tcp_echo");
  spec.stop = {{{SIGTERM, Duration::max()}, {SIGINT, Duration::max()}}};
  auto server = Server::Start(std::move(spec));
  EXPECT_THAT(server.Stop(), StoppedGracefully());
}

TEST(ServerTest, CancelEndsTheWaitAndIsToldApart) {
  std::stop_source source;
  std::jthread canceller([&] { source.request_stop(); });
  try {
    auto server = Server::Start(Sample("never_listens"), source.get_token());
    FAIL() << "it cannot become ready";
  } catch (const StartError& error) {
    EXPECT_EQ(error.reason(), StartError::kCancelled) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("cancelled"));
  }
}

TEST(ServerTest, FillsInPlaceholdersEverywhere) {
  auto server =
      Server::Start({.name = "filled",
                     .shell = "cat conf/a.conf; echo \"$WHERE {{port}} ${HOME:+home}\"; pwd; exec " CURFEW_SAMPLE_DIR
                              "/tcp_echo --port {port:echo}",
                     .env = {{"WHERE", "{host}:{port:admin}"}},
                     .files = {{"conf/a.conf", "dir={dir}\n"}},
                     .ready = Ready::Tcp("echo")});
  EXPECT_NE(server.port("echo"), server.port("admin"));
  EXPECT_THAT(server, HasLogLine("^dir=" + server.dir().string() + "$"));
  EXPECT_THAT(server, HasLogLine("^127.0.0.1:" + std::to_string(server.port("admin")) + " \\{port\\} home$"));
  EXPECT_THAT(server, HasLogLine("^" + server.dir().string() + "$"));
  EXPECT_THROW(static_cast<void>(server.port()), std::out_of_range);
}

TEST(ServerTest, LeaderInheritsNothingButItsThreeDescriptors) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without CLOEXEC, as careless code does
  auto server =
      Server::Start({.shell = "ls /proc/self/fd | wc -l; touch ready; exec sleep 100", .ready = Ready::File("ready")});
  ::close(leaked);
  EXPECT_THAT(server, HasLogLine("^4$"));  // and the directory that ls itself opens
}

TEST(ServerTest, UserChildrenAndTheirStatusesStayTheUsers) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(42);
  auto server = Server::Start(Sample("tcp_echo"));
  server.Restart();
  server.Stop();
  int status = 0;
  // "Any child": neither keeper nor warden nor server may be met here, nor the child be gone.
  ASSERT_EQ(::waitpid(-1, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(::waitpid(-1, &status, 0), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ServerTest, AForkedChildCannotTouchItsParentsServer) {
  auto server = Server::Start(Sample("tcp_echo"));
  const pid_t child = ::fork();
  if (child == 0) {
    bool refused = false;
    try {
      server.Stop();
    } catch (const std::logic_error&) {
      refused = true;
    }
    {
      Server mine = std::move(server);  // and its destructor does nothing
    }
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Echo(server, "still here"), "still here");
}

TEST(ServerTest, ManyServersAtOnceFromManyThreads) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 3; ++round) {
        auto server = Server::Start(Sample("tcp_echo"));
        EXPECT_EQ(Echo(server, "hello"), "hello");
      }
    });
  }
}

}  // namespace
}  // namespace curfew
