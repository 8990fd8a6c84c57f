// SPDX-License-Identifier: Apache-2.0
// A set-user-ID helper such as sudo or ping: begun by an unprivileged user, it becomes root for good, so that he may
// not signal it. It writes its number into the file it is given, holds its output open as any server does, and ends by
// its own alarm.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

int main(int, char** argv) {
  alarm(60);
  if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) return 1;
  std::signal(SIGTERM, SIG_IGN);
  const std::string text = std::to_string(getpid()) + "\n";
  const std::string temporary = std::string(argv[1]) + "~";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return 2;
  if (std::rename(temporary.c_str(), argv[1]) != 0) return 3;
  for (;;) pause();
}
