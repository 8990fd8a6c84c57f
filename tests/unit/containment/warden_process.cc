// SPDX-License-Identifier: Apache-2.0
#include "warden_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <system_error>

namespace curfew::testing {
namespace {

constexpr unsigned kMemberSeconds = 40;
constexpr unsigned kWardenSeconds = 30;  // less, so that its complaint comes first
constexpr std::size_t kPage = 1U << 16U;

int ready_pipe[2] = {-1, -1};

// The next SIGCHLD, or the deadline. It is blocked all the time, so none is missed.
void AwaitChildUntil(Deadline deadline) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const auto left = std::max<Duration>(deadline - std::chrono::steady_clock::now(), Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{seconds.count(), static_cast<long>((left - seconds).count())};
  ::sigtimedwait(&child, nullptr, &timeout);
}

}  // namespace

pid_t Fork(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::alarm(kMemberSeconds);
  body();
  ::_exit(0);
}

void TellReady() {
  if (::write(ready_pipe[1], "r", 1) != 1) ::_exit(9);
}

void ReadyAndPause() {
  TellReady();
  for (;;) ::pause();
}

void Ignore(int signal) {
  ::signal(signal, SIG_IGN);
}

WardenProcess::WardenProcess(process::Tag tag, Search search)
    : finder(proc, ::getpid(), search == Search::kLineage ? std::nullopt : std::optional(tag)), tag_(tag) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  Check(containment::BecomeSubreaper() == 0, "no subreaper");
  Check(::pipe2(ready_pipe, O_CLOEXEC) == 0, "no pipe");
}

void WardenProcess::Launch(const std::function<void()>& body, bool own_session) {
  const pid_t pid = Fork([&] {
    if (process::ApplyTag(tag_) != 0) ::_exit(9);
    if (own_session ? ::setsid() < 0 : ::setpgid(0, 0) != 0) ::_exit(9);
    body();
  });
  auto pinned = process::Pidfd::Open(pid);
  Check(pinned.ok(), "the leader could not be pinned");
  if (pinned.ok()) leader = std::move(*pinned);
  reaper.emplace(pid);
}

void WardenProcess::AwaitReady(int count) const {
  for (char byte = 0; count > 0;) {
    if (::read(ready_pipe[0], &byte, 1) == 1) --count;
  }
}

void WardenProcess::AwaitState(pid_t pid, char state) const {
  for (;;) {
    const auto stat = proc.ReadStat(pid);
    if (stat && stat->state == state) return;
    ::usleep(200);
  }
}

void WardenProcess::AwaitLeaderEnd() {
  while (!reaper->leader_status()) {
    AwaitChildUntil(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    reaper->Collect();
  }
}

StopResult WardenProcess::Stop(StopPolicy policy, bool daemonizes) {
  containment::StopRoutine stop(finder, leader, *reaper, std::move(policy), daemonizes);
  while (const auto deadline = stop.NextStep()) {
    while (reaper->Collect() && std::chrono::steady_clock::now() < *deadline) AwaitChildUntil(*deadline);
  }
  return stop.Finish();
}

void WardenProcess::Check(bool right, const std::string& otherwise) {
  if (!right) complaints_ += otherwise + '\n';
}

void WardenProcess::CheckEqual(const std::string& actual, const std::string& expected) {
  Check(actual == expected, "it is [" + actual + "], not [" + expected + "]");
}

std::string Needs(const StopResult& result) {
  std::map<int, int> needs;
  for (const auto& stopped : result.processes) ++needs[stopped.needed];
  std::string text;
  for (const auto& [signal, count] : needs) {
    text += (text.empty() ? "" : ", ") + std::to_string(signal) + " x " + std::to_string(count);
  }
  return text;
}

std::string RunAsWarden(const std::function<void(WardenProcess&)>& body, WardenProcess::Search search) {
  const auto tag = process::Tag::ForNewRun(process::TagCeiling()).value().WithSlot(7);
  // Not a pipe: what is left of a tree would keep its end open.
  auto* const page =
      static_cast<char*>(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (page == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(kWardenSeconds);
    WardenProcess warden(tag, search);
    body(warden);
    const auto& text = warden.complaints();
    std::memcpy(page, text.data(), std::min(text.size(), kPage - 1));
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    // No news of the warden.
  }
  std::string complaints(page);
  ::munmap(page, kPage);
  if (status != 0) complaints += "the warden " + ExitStatus::FromWaitStatus(status).ToString() + '\n';
  const procfs::Proc proc;
  for (const pid_t left : containment::TreeFinder(proc, 0, tag).Tagged()) {
    const auto stat = proc.ReadStat(left);
    if (!stat || stat->zombie()) continue;
    complaints += "left over: " + std::to_string(left) + '\n';
    ::kill(left, SIGKILL);
  }
  return complaints;
}

}  // namespace curfew::testing
