// SPDX-License-Identifier: Apache-2.0
// curfew-keeper RUN TAG DIRECTORY JOURNAL OWNER_PID: started by the test program, one for each.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "containment/reaper.h"
#include "keeper/keeper.h"
#include "keeper/protocol.h"
#include "process/self_wake.h"

int main(int argc, char** argv) {
  using namespace curfew;
  using process::FileDescriptor;
  if (argc != 6) return 2;
  // Not a child of the test program: its waits for "any child" would find us, or wait for our end.
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child > 0) ::_exit(0);
  ::setsid();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes costs the journal, not the run
  if (containment::BecomeSubreaper() != 0) return 1;
  const process::SelfWake wake;

  keeper::KeeperOptions options;
  options.run = argv[1];
  options.tag = process::Tag::FromValue(std::strtoull(argv[2], nullptr, 10));
  options.directory = argv[3];
  options.journal = argv[4];
  // Ours is another tag than the test's strays have. A failure leaves us with theirs, and to no sweep of ours,
  // which never touches its own process.
  if (options.tag) static_cast<void>(process::ApplyTag(options.tag->WithSlot(process::Tag::kCurfew)));

  keeper::Channel control{FileDescriptor(keeper::kKeeperControl)};
  auto owner = process::Pidfd::Adopt(static_cast<pid_t>(std::strtol(argv[5], nullptr, 10)),
                                     FileDescriptor(keeper::kKeeperOwnerPidfd));
  auto self = process::Pidfd::Open(::getpid());
  if (!self.ok()) return self.failure().error;
  // Searchable by others, since a server may run as another user; not listable, and its name cannot be guessed.
  const bool made = ::mkdir(options.directory.c_str(), 0711) == 0;
  const int mkdir_error = made ? 0 : errno;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  if (!made) {
    const std::string operation = "make the run's directory " + options.directory.string();
    static_cast<void>(control.Send({{"op", "failed"}, {"operation", operation}, {"errno", mkdir_error}}, deadline));
    return 1;
  }
  // To the end of our life, however it comes: who gets this lock knows that the directory is stale (curfew leaks).
  const FileDescriptor in_use(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  static_cast<void>(::flock(in_use.get(), LOCK_EX | LOCK_NB));
  const std::string directory = options.directory;
  try {
    keeper::Keeper keeper(std::move(control), std::move(owner), std::move(options), process::Launcher::Real());
    keeper.Run(self->get());
  } catch (const boost::system::system_error& error) {
    // No descriptors for its event loop.
    ::rmdir(directory.c_str());
    static_cast<void>(control.Send(
        {{"op", "failed"}, {"operation", "set up the keeper"}, {"errno", error.code().value()}}, deadline));
    return 1;
  }
  return 0;
}
