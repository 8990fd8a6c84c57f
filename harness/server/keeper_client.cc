// SPDX-License-Identifier: Apache-2.0
#include "server/keeper_client.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "keeper/protocol.h"
#include "process/await_fd.h"
#include "process/clock.h"
#include "process/launch.h"
#include "server/keeper_program.h"

namespace curfew::server {
namespace {

using namespace std::chrono_literals;
using process::Failure;
using Clock = std::chrono::steady_clock;

constexpr auto kStartTimeout = 10s;
constexpr auto kTellTimeout = 1s;
constexpr auto kWakeAgain = 1s;

std::vector<std::string> Environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

// The launched process forks the keeper and ends. Its exit code is 0 or an errno; somebody's SIGCHLD handler
// may have been faster, then the keeper's first word has to tell.
int AwaitIntermediate(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

}  // namespace

process::Result<std::unique_ptr<KeeperClient>> KeeperClient::Start(const KeeperLaunch& launch) {
  const auto program = FindKeeperProgram();
  if (program.path.empty()) return Failure{program.WhyNone(), ENOENT};
  auto channels = keeper::Channel::Pair();
  if (!channels.ok()) return channels.failure();
  auto& [ours, theirs] = *channels;
  auto self = process::Pidfd::Open(::getpid());
  if (!self.ok()) return self.failure();

  process::LaunchRequest request;
  request.executable = program.path;
  const auto tag = launch.tag ? launch.tag->value() : 0;
  request.argv = {"curfew-keeper",  launch.run,     std::to_string(tag),
                  launch.directory, launch.journal, std::to_string(::getpid())};
  request.environment = Environment();
  request.working_dir = "/";
  request.descriptors = {theirs.fd(), self->get()};
  request.new_session = true;
  auto launched = process::Launcher::Real().Launch(request);
  if (!launched.ok()) return launched.failure();
  theirs.Close();
  if (const int error = AwaitIntermediate(launched->pid())) return Failure{"start the keeper (fork)", error};

  auto hello = ours.Receive(Clock::now() + process::Scaled(kStartTimeout));
  if (!hello.ok()) return Failure{"hear from the keeper " + request.executable, hello.failure().error};
  if (hello->body.at("op") == "failed") return Failure{hello->body.at("operation"), hello->body.at("errno")};
  auto keeper = process::Pidfd::Adopt(hello->body.at("pid").get<pid_t>(), std::move(hello->descriptor));
  // The keeper reads our stacks when a test hangs; a strict policy (yama) lets only ancestors trace. EINVAL elsewhere.
  ::prctl(PR_SET_PTRACER, static_cast<unsigned long>(keeper.pid()), 0, 0, 0);
  return std::unique_ptr<KeeperClient>(new KeeperClient(std::move(ours), std::move(keeper)));
}

process::Result<nlohmann::json> KeeperClient::Ask(const nlohmann::json& request, Duration timeout, int descriptor) {
  const std::lock_guard lock(mutex_);
  if (broken_) return Failure{"ask the keeper", EPIPE};
  const auto deadline = Clock::now() + timeout;
  if (auto sent = channel_.Send(request, deadline, descriptor); !sent.ok()) {
    return Failure{"ask the keeper", sent.failure().error};
  }
  auto answer = AwaitAnswer(deadline);
  // A late answer would be taken for that of the next question. Not closed: a signal handler may have the number.
  if (!answer.ok()) {
    broken_ = true;
    return Failure{"hear from the keeper", answer.failure().error};
  }
  auto& body = answer->body;
  if (body.at("op") == "failed") return Failure{body.at("operation"), body.at("errno")};
  return std::move(body);
}

void KeeperClient::TellEncoded(const std::string& message) {
  const std::lock_guard lock(mutex_);
  // Whether it arrived does not matter to the test; the next question finds out that the keeper is gone.
  if (!broken_) static_cast<void>(channel_.SendEncoded(message, Clock::now() + process::Scaled(kTellTimeout)));
}

process::Result<keeper::Channel::Message> KeeperClient::AwaitAnswer(Deadline deadline) {
  for (;;) {
    // A server may have stopped its keeper (SIGSTOP), before the question or since.
    Wake();
    auto answer = channel_.Receive(std::min<Deadline>(deadline, Clock::now() + kWakeAgain));
    const bool patient = !answer.ok() && answer.failure().error == ETIMEDOUT && Clock::now() < deadline;
    if (!patient) return answer;
  }
}

bool KeeperClient::AwaitEnd(Duration timeout) const {
  static_cast<void>(process::AwaitFd(keeper_.get(), POLLIN, Clock::now() + timeout));
  return keeper_.Ended();
}

}  // namespace curfew::server
