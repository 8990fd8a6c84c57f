// SPDX-License-Identifier: Apache-2.0
#include "server/server_life.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "process/clock.h"
#include "process/pidfd.h"
#include "procfs/net.h"
#include "report/encode.h"

namespace curfew::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using process::Failure;

constexpr auto kWakeAgain = 1s;

// What a warden has to do before it answers takes microseconds; this only bounds one that was stopped from
// outside.
Deadline AnswerDeadline() { return std::chrono::steady_clock::now() + process::Scaled(10s); }

}  // namespace

ServerLife::ServerLife(keeper::Channel channel, pid_t warden, std::optional<process::Tag> tag, bool daemonizes)
    : channel_(std::move(channel)), finder_(proc_, warden, tag), daemonizes_(daemonizes) {}

process::Result<void> ServerLife::Launch(const json& request, int descriptor) {
  if (auto sent = channel_.Send(request, AnswerDeadline(), descriptor); !sent.ok()) {
    Pump();
    if (stop_result_) return Failure{"launch: " + stop_cause_, ECANCELED};
    return sent.failure();
  }
  const auto deadline = AnswerDeadline();
  for (;;) {
    auto answer = channel_.Receive(deadline);
    if (!answer.ok()) return Failure{"hear from the warden", answer.failure().error};
    const auto& body = answer->body;
    if (body.at("op") == "failed") return Failure{body.at("operation"), body.at("errno")};
    if (body.at("op") == "started") {
      body.at("pid").get_to(leader_);
      (body.at("listen_hint").get<bool>() ? listen_hint_ : network_diag_) = std::move(answer->descriptor);
      body.at("kernel_event").get_to(why_no_kernel_event_);
      body.at("init").get_to(init_);
      finder_.AddInit(init_);
      body.at("containment").get_to(containment_.level);
      body.at("why_not").get_to(containment_.why_not);
      PinLeader();
      return {};
    }
    Take(body);
    if (stop_result_) return Failure{"launch: " + stop_cause_, ECANCELED};
  }
}

// Pinned first and looked at afterwards: a leader that has ended already may have been collected by its warden, and the
// number be another's.
void ServerLife::PinLeader() {
  auto opened = process::Pidfd::Open(leader_);
  if (!opened.ok()) {
    if (opened.failure().error == ESRCH) leader_process_ = process::Pidfd::Gone(leader_);
    return;
  }
  leader_process_ = finder_.Contains(leader_) ? std::move(*opened) : process::Pidfd::Gone(leader_);
}

bool ServerLife::LeaderLives() const {
  // Without a descriptor to be had for it the number has to be asked.
  return leader_process_ ? leader_process_->valid() && !leader_process_->Ended() : finder_.Contains(leader_);
}

void ServerLife::Take(const json& message) {
  const std::string op = message.at("op");
  if (op == "exited") exit_status_ = report::DecodeExitStatus(message.at("status"));
  if (op == "empty") empty_ = true;
  if (op == "listens") ++listen_calls_;
  if (op == "stopping") {
    message.at("cause").get_to(stop_cause_);
    message.at("announced").get_to(stop_announced_);
  }
  if (op == "stopped") {
    stop_result_ = message.at("result").get<StopResult>();
    over_ = true;
    message.at("cause").get_to(stop_cause_);
  }
}

void ServerLife::Pump() {
  while (auto message = channel_.TryReceive()) Take(message->body);
  if (!channel_.open() && !stop_result_) over_ = lost_ = true;
}

void ServerLife::TakeListenHint() {
  epoll_event event{};
  static_cast<void>(::epoll_wait(listen_hint_.get(), &event, 1, 0));
}

bool ServerLife::Ended() {
  Pump();
  if (stop_result_ || lost_ || empty_) return true;
  if (!exit_status_) return false;
  return !(daemonizes_ && *exit_status_ == ExitStatus::Exited(0));
}

bool ServerLife::EndedByNow() {
  if (Ended()) return true;
  if (exit_status_) return false;  // a daemon's leader
  const auto stat = proc_.ReadStat(leader_);
  if (stat && !stat->exiting()) return false;
  static_cast<void>(AwaitExit(std::chrono::steady_clock::now() + process::Scaled(2s)));
  return Ended();
}

std::vector<pid_t> ServerLife::Pids() const {
  std::vector<pid_t> pids;
  for (const auto& member : finder_.Find()) {
    if (!member.zombie()) pids.push_back(member.pid);
  }
  return pids;
}

Tree ServerLife::Snapshot() const {
  Tree tree;
  tree.leader = leader_;
  // Once it is stopped its warden is ending, and the number may be another's: only the tag still tells.
  const containment::TreeFinder by_tag(proc_, 0, finder_.tag());
  const auto& finder = stop_result_ ? by_tag : finder_;
  for (const auto& member : finder.FindThoroughly()) {
    auto info = proc_.Describe(member.pid);
    if (!info || member.zombie()) continue;
    const bool first = info->pid == leader_;
    tree.processes.insert(first ? tree.processes.begin() : tree.processes.end(), std::move(*info));
  }
  procfs::FillPorts(proc_, tree.processes);
  return tree;
}

process::Result<json> ServerLife::Await(const std::string& op, Deadline deadline,
                                        process::FileDescriptor* descriptor) {
  for (;;) {
    auto message = channel_.Receive(deadline);
    if (!message.ok()) {
      Pump();
      return message.failure();
    }
    Take(message->body);
    if (message->body.at("op") != op) continue;
    if (descriptor != nullptr) *descriptor = std::move(message->descriptor);
    return std::move(message->body);
  }
}

std::optional<ExitStatus> ServerLife::AwaitExit(Deadline deadline) {
  Pump();
  while (!exit_status_ && !stop_result_ && !lost_) {
    if (!Await("exited", deadline).ok()) break;
  }
  return exit_status_;
}

int ServerLife::Signal(int signal, bool whole_tree) {
  Pump();
  if (stop_result_) return ESRCH;
  const json request = {{"op", "signal"}, {"signal", signal}, {"whole_tree", whole_tree}};
  if (auto sent = channel_.Send(request, AnswerDeadline()); !sent.ok()) return sent.failure().error;
  const auto answer = Await("signalled", AnswerDeadline());
  if (stop_result_) return ESRCH;
  return answer.ok() ? answer.value().at("errno").get<int>() : answer.failure().error;
}

process::Result<process::FileDescriptor> ServerLife::Connect(const std::string& host, std::uint16_t port) {
  const std::string operation = "connect to " + host + ':' + std::to_string(port) + " in the server's network";
  Pump();
  if (stop_result_) return Failure{operation, ESRCH};
  const json request = {{"op", "connect"}, {"host", host}, {"port", port}};
  if (auto sent = channel_.Send(request, AnswerDeadline()); !sent.ok()) return Failure{operation, sent.failure().error};
  process::FileDescriptor socket;
  const auto answer = Await("connected", AnswerDeadline(), &socket);
  if (!answer.ok()) return Failure{operation, answer.failure().error};
  if (const int error = answer.value().at("errno").get<int>(); error != 0) return Failure{operation, error};
  if (!socket.valid()) return Failure{operation, EMFILE};  // the kernel closes what there is no descriptor for
  return socket;
}

process::Result<StopResult> ServerLife::Stop(bool kill, Deadline deadline) {
  Pump();
  if (stop_result_) return *stop_result_;
  if (auto sent = channel_.Send({{"op", "stop"}, {"kill", kill}}, AnswerDeadline()); !sent.ok()) return sent.failure();
  for (;;) {
    SignalWarden(SIGCONT);  // a server may have stopped it, and its keeper, which would wake it, may be gone
    auto answer = Await("stopped", std::min<Deadline>(deadline, std::chrono::steady_clock::now() + kWakeAgain));
    if (stop_result_) return *stop_result_;
    const bool patient = answer.failure().error == ETIMEDOUT && std::chrono::steady_clock::now() < deadline;
    if (!patient) return answer.failure();
  }
}

void ServerLife::SignalWarden(int signal) {
  const auto warden_process = process::Pidfd::Open(warden());
  pollfd peer{channel_.fd(), 0, 0};
  // The other end is the warden's alone: while that is open the number is still its own, and now it is pinned.
  const bool gone = ::poll(&peer, 1, 0) != 0;
  if (warden_process.ok() && !gone) static_cast<void>(warden_process->Signal(signal));
}

}  // namespace curfew::server
