// SPDX-License-Identifier: Apache-2.0
// hostile BEHAVIOUR --port N: one server for each column of the escape matrix. It escapes first and listens then, so
// whoever finds it ready finds it escaped. Bounded by a counter and by a self-destruct (hostile.h).
//
// With ESCAPE_STRANGER=FILE it is a stranger instead: the same command line, uid and port number (on another loopback
// address), which counts every signal it is sent in that file.
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "../../sample_servers/sample.h"
#include "hostile_odd.h"

namespace hostile {
namespace {

void NewSession() {
  ::setsid();
}

void CloseEverything() {
  ::close_range(0, ~0U, 0);
}

void RespawnOnTerm() {
  struct sigaction action {};
  action.sa_flags = SA_NODEFER;
  action.sa_handler = [](int) {
    if (Fork(50) != 0) ::_exit(0);
    ::setsid();  // and lives on from where the signal found its parent
  };
  ::sigaction(SIGTERM, &action, nullptr);
}

void Supervise() {
  Child([] { ::setsid(), IgnoreStopSignals(); },
        [] {
          for (;;) {
            const pid_t child = Fork(50);
            if (child < 0) Idle();
            if (child == 0) {
              ::signal(SIGTERM, SIG_DFL);
              SayInPlace();
              Idle();
            }
            ::waitpid(child, nullptr, 0);
          }
        });
  AwaitInPlace(2);
}

void StoppedChild() {
  const pid_t pid = Fork();
  if (pid == 0) {
    ::setsid();
    SayInPlace();
    ::raise(SIGSTOP);
    Idle();
  }
  ::waitpid(pid, nullptr, WUNTRACED);
}

void Wide() {
  for (int i = 0; i < 200; ++i) i % 2 == 0 ? Child([] {}) : Child(NewSession);
}

void Deep(int levels) {
  Child(
      [levels] {
        if (levels % 2 == 0) ::setsid();
      },
      [levels] {
        if (levels > 1) Deep(levels - 1);
        Idle();
      });
}

void ZombieParents() {
  for (int parent = 0; parent < 2; ++parent) {
    Child([] {
      ::setsid();
      for (int i = 0; i < 5; ++i) {
        if (Fork() == 0) ::_exit(0);
      }
    });
  }
}

void SlowStop() {
  ::signal(SIGTERM, [](int) {
    const timespec second{1, 0};
    timespec left = second;
    while (::nanosleep(&left, &left) != 0) {
    }
    char path[512];
    ::snprintf(path, sizeof path, "%s/clean", ::getenv("ESCAPE_DIR"));  // its own process, nothing else runs
    ::close(::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ::_exit(0);
  });
}

[[noreturn]] void LeaderExits(int listener) {
  Daemon([] {},
         [listener] {
           sample::Listen(listener);
           sample::ServeEcho(listener);
         });
  AwaitInPlace(1);
  std::exit(0);
}

// Returns when the escape is complete. What it begins is in place then.
const std::map<std::string, void (*)(int listener)> kBehaviours = {
    {"ChildInGroup", [](int) { Child([] {}), AwaitInPlace(1); }},
    {"OwnGroup", [](int) { Child([] { ::setpgid(0, 0); }), AwaitInPlace(1); }},
    {"OwnSession", [](int) { Child(NewSession), AwaitInPlace(1); }},
    {"DoubleForkDaemon", [](int) { Daemon(CloseEverything), AwaitInPlace(1); }},
    {"LeaderExits", LeaderExits},
    {"IgnoresSignals",
     [](int) {
       IgnoreStopSignals();
       Child([] {}), Child(NewSession), AwaitInPlace(2);
     }},
    {"RespawnsOnTerm", [](int) { RespawnOnTerm(), Child(NewSession), AwaitInPlace(1); }},
    {"Supervisor", [](int) { Supervise(); }},
    {"Disguised", [](int) { Disguise(); }},
    {"Stopped", [](int) { StoppedChild(), AwaitInPlace(1); }},
    {"Traced", [](int) { TracedChild(), AwaitInPlace(1); }},
    {"LeaderTraced", [](int) { LeaderTracedByItsChild(), AwaitInPlace(1); }},
    {"ThreadsChildren", [](int) { ChildrenOfAThread(); }},
    {"VforkChild", [](int) { VforkChild(); }},
    {"CloneParent", [](int) { ClonedAsSibling(), AwaitInPlace(1); }},
    {"CloneNoSignal", [](int) { ClonedWithoutSignal(), AwaitInPlace(1); }},
    {"OwnSubreaper", [](int) { OwnSubreaper(), AwaitInPlace(4); }},
    {"OwnPidNamespace", [](int) { OwnPidNamespace(), AwaitInPlace(4); }},
    {"OwnUserNamespace", [](int) { OwnUserNamespace(), AwaitInPlace(1); }},
    {"OwnMountNamespace", [](int) { OwnMountNamespace(), AwaitInPlace(1); }},
    {"OwnCgroup", [](int) { OwnCgroup(), AwaitInPlace(1); }},
    {"Wide200", [](int) { Wide(), AwaitInPlace(200); }},
    {"Deep100", [](int) { Deep(100), AwaitInPlace(100); }},
    {"RunawayChain", [](int) { Child([] {}, [] { RunAway(false); }), AwaitInPlace(2); }},
    {"RunawayChainSessions", [](int) { Child(NewSession, [] { RunAway(true); }), AwaitInPlace(2); }},
    {"ForkBomb", [](int) { Child([] {}, [] { Swarm(false); }), AwaitInPlace(40); }},
    {"ForkBombSessions", [](int) { Child(NewSession, [] { Swarm(true); }), AwaitInPlace(40); }},
    {"KillsWarden", [](int) { KillsItsWarden(), AwaitInPlace(2); }},
    {"StopsWarden", [](int) { StopsItsWarden(), AwaitInPlace(1); }},
    {"StopsKeeper", [](int) { StopsItsKeeper(), AwaitInPlace(1); }},
    {"ClosesDescriptors", [](int) { Child([] { ::setsid(), CloseEverything(); }), AwaitInPlace(1); }},
    {"HoldsStdout", [](int) { HoldsStdoutOfTheTest(), AwaitInPlace(1); }},
    {"ChangesUid", [](int) { ChangesUid(), AwaitInPlace(1); }},
    {"LowersTag", [](int) { LowersItsTag(), AwaitInPlace(1); }},
    {"ZombieParents", [](int) { ZombieParents(), AwaitInPlace(2); }},
    {"SlowStop", [](int) { SlowStop(); }},
};

volatile int* signals_seen = nullptr;

// Counts what can be counted, and serves nobody. SIGKILL and SIGSTOP its parent sees.
[[noreturn]] void BeStranger(const char* file, int port) {
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  void* const map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || map == MAP_FAILED) sample::Die("ESCAPE_STRANGER");
  ::close(fd);
  signals_seen = static_cast<volatile int*>(map);
  for (int signal = 1; signal < 65; ++signal) {
    if (signal != SIGALRM) {
      ::signal(signal, [](int number) { signals_seen[number] = signals_seen[number] + 1; });
    }
  }
  ::alarm(600);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // Somebody may have the number there; then it is a stranger without a port.
  if (port != 0 && ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) ::listen(listener, 1);
  signals_seen[0] = 1;  // set up
  Idle();
}

}  // namespace
}  // namespace hostile

int main(int argc, char** argv) {
  if (hostile::InDisguise(argv[0])) {
    hostile::Begin();
    hostile::LiveInDisguise();
  }
  if (argc < 4) return 2;
  const std::string stranger = hostile::Variable("ESCAPE_STRANGER");
  if (!stranger.empty()) hostile::BeStranger(stranger.c_str(), std::atoi(argv[3]));
  const sample::Options options(argc - 1, argv + 1);
  const auto behaviour = hostile::kBehaviours.find(argv[1]);
  if (behaviour == hostile::kBehaviours.end()) return 2;
  hostile::Begin();
  const int listener = sample::BindTcp(options.port());
  behaviour->second(listener);
  sample::Listen(listener);
  sample::ServeEcho(listener);
}
