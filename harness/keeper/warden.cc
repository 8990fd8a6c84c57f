// SPDX-License-Identifier: Apache-2.0
#include "keeper/warden.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "containment/contained_launch.h"
#include "containment/level.h"
#include "containment/tree_signal.h"
#include "keeper/listen_sockets.h"
#include "process/listen_filter.h"
#include "process/network_namespace.h"
#include "process/tcp_connect.h"
#include "process/switches.h"
#include "procfs/system_proc.h"
#include "report/encode.h"

namespace curfew::keeper {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// How long to wait for a peer that does not read its socket. The tree comes first; the message is given up.
Deadline SendDeadline() { return std::chrono::steady_clock::now() + 1s; }

json Failed(const process::Failure& failure) {
  return {{"op", "failed"}, {"operation", failure.operation}, {"errno", failure.error}};
}

// The test program reads while it waits for the server, and not while a test body runs: together these messages are
// small enough to lie in the socket for ever.
constexpr int kMostListensTold = 64;

// Has a launch set the filter by which listen(2) is told, and takes the filter over.
class ListenFilterRequest {
 public:
  // `wish`: "never", "free" or "always".
  ListenFilterRequest(process::LaunchRequest& request, const std::string& wish) {
    if (wish == "never" || process::SwitchedOff("kernel_event")) return;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    ours_.Reset(ends[0]);
    theirs_.Reset(ends[1]);
    request.listen_filter_socket = theirs_.get();
    request.listen_filter_gives_up_privileges = wish == "always";
  }
  // Why there is none; empty if there is.
  [[nodiscard]] std::string Take(process::FileDescriptor& filter) {
    if (!ours_.valid()) return "not asked for";
    auto received = process::ReceiveListenFilter(ours_.get());
    // A launch may have been tried twice: the one that counts is the last.
    for (;;) {
      auto later = process::ReceiveListenFilter(ours_.get());
      if (!later.ok() && (later.failure().error == EAGAIN || later.failure().error == EBADMSG)) break;  // no more words
      received = std::move(later);
    }
    if (!received.ok()) return received.failure().ToString();
    filter = std::move(*received);
    return "";
  }

 private:
  process::FileDescriptor ours_;
  process::FileDescriptor theirs_;
};

// Readable from each listen(2) on until it has been read (edge-triggered): for the test program to poll, so that it
// wakes up together with its warden. By it nobody can take a call, nor does it keep the filter's descriptor open
// (epoll(7)): a test program that is stopped makes no server wait.
process::FileDescriptor MakeListenHint(int filter) {
  process::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (epoll.valid() && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, filter, &event) != 0) epoll.Reset();
  return epoll;
}

// What holds the tree beside lineage and tag.
std::string Describe(const process::Seal* seal, bool in_leaf) {
  if (seal == nullptr) return in_leaf ? "cgroup v2" : "basic";
  return std::string(seal->own_proc() ? "sealed" : "sealed without a /proc of its own") +
         (in_leaf ? ", cgroup v2" : "");
}

}  // namespace

Warden::Warden(Channel&& keeper, Channel&& owner, std::optional<process::Tag> tag,
               std::optional<containment::CgroupLeaf>&& leaf, process::Launcher& launcher)
    : keeper_(std::move(keeper)),
      owner_(std::move(owner)),
      launcher_(launcher),
      leaf_(std::move(leaf)),
      finder_(procfs::SystemProc(), ::getpid(), tag) {
  if (leaf_) finder_.AddLeaf(*leaf_);
}

void Warden::Run() {
  keeper_watch_.emplace(io_, keeper_.fd(), [this] { OnKeeper(); });
  owner_watch_.emplace(io_, owner_.fd(), [this] { OnOwner(); });
  terminations_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) Stop("its warden was told to end by a signal", false, false);
  });
  PinKeeper();
  AwaitChildren();
  io_.run();
  if (leaf_) leaf_->Remove();  // the keeper tries again, and the next run's
  TellKeeper({{"op", "drained"}});
  WakeKeeper();
}

void Warden::PinKeeper() {
  const pid_t parent = ::getppid();
  auto pinned = process::Pidfd::Open(parent);
  // Still our parent: so it is the keeper, and no successor of a keeper that has just ended.
  if (pinned.ok() && ::getppid() == parent) keeper_process_ = std::move(*pinned);
}

void Warden::WakeKeeper() const {
  // A server may have stopped it (SIGSTOP); with the test program dead nobody else would notice.
  if (keeper_process_.valid()) static_cast<void>(keeper_process_.Signal(SIGCONT));
}

void Warden::AwaitChildren() {
  children_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    // Armed again before collecting: an exit in between raises the signal anew.
    AwaitChildren();
    OnChild();
  });
}

void Warden::OnKeeper() {
  while (auto message = keeper_.TryReceive()) {
    if (message->body.at("op") == "stop") {
      Stop(message->body.at("cause").get<std::string>(), message->body.value("announced", false), false);
    }
  }
  if (keeper_.open()) return;
  keeper_watch_.reset();
  Stop("the keeper is gone", false, false);
}

void Warden::OnOwner() {
  while (auto message = owner_.TryReceive()) Handle(message->body, message->descriptor);
  if (owner_.open()) return;
  owner_watch_.reset();
  Stop("its owner let go of it", true, false);
}

void Warden::Handle(const json& message, const process::FileDescriptor& descriptor) {
  const auto& op = message.at("op");
  if (op == "launch") Launch(message, descriptor);
  if (op == "signal") Signal(message);
  if (op == "connect") Connect(message);
  if (op == "stop") Stop("", true, message.value("kill", false));
}

void Warden::Launch(const json& message, const process::FileDescriptor& descriptor) {
  policy_ = message.at("policy").get<StopPolicy>();
  daemonizes_ = message.at("daemonizes").get<bool>();
  const auto log_path = message.at("log").get<std::string>();
  // A file, never a pipe: the server cannot block on us, and nothing is lost when anyone dies.
  const process::FileDescriptor log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) {
    TellOwner(Failed({"open the log file " + log_path, errno}));
    io_.stop();
    return;
  }
  process::LaunchRequest request;
  message.at("executable").get_to(request.executable);
  message.at("argv").get_to(request.argv);
  message.at("environment").get_to(request.environment);
  message.at("working_dir").get_to(request.working_dir);
  request.stdout_fd = log.get();
  request.stderr_fd = log.get();
  if (descriptor.valid()) request.descriptors = {descriptor.get()};
  request.new_session = message.at("own_session").get<bool>();
  request.new_group = !request.new_session;
  request.parent_death_signal = SIGKILL;
  request.tag = finder_.tag();
  process::FileDescriptor diag;
  if (message.value("private_network", false)) {
    if (auto entered = process::EnterNewNetwork(); !entered.ok()) {
      TellOwner(Failed(entered.failure()));
      io_.stop();
      return;
    }
    // The test program looks into this network by it. Without one it reads /proc/PID/net/tcp.
    diag.Reset(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  }
  const auto sockets = MakeListenSockets(message.value("sockets", json::array()), request);
  if (!sockets.ok()) {
    TellOwner(Failed(sockets.failure()));
    io_.stop();
    return;
  }
  ListenFilterRequest filter(request, message.at("kernel_event").get<std::string>());
  if (const auto made = MakeSeal(message); !made.ok()) {
    LaunchFailed(made.failure());
    return;
  }
  if (seal_) request.seal = &*seal_;
  const auto level = containment::ParseLevel(message.value("level", "auto"));
  auto launched =
      containment::LaunchInto(leaf_ ? &*leaf_ : nullptr, level == containment::Level::kCgroup, request, launcher_);
  if (!launched.ok()) {
    LaunchFailed(launched.failure());
    return;
  }
  leader_ = std::move(launched->leader);
  reaper_.emplace(leader_.pid(), request.seal);
  const auto why_no_event = filter.Take(listen_filter_);
  // One descriptor a message: who has a private network does without the hint. Made before our own watch: who watches
  // last is woken first, and the server waits for us.
  process::FileDescriptor hint;
  if (listen_filter_.valid() && !diag.valid()) hint = MakeListenHint(listen_filter_.get());
  if (listen_filter_.valid()) listen_watch_.emplace(io_, listen_filter_.get(), [this] { OnListen(); });
  const std::string containment = Describe(request.seal, launched->in_leaf);
  TellOwner({{"op", "started"},
             {"pid", leader_.pid()},
             {"init", seal_ ? seal_->init().pid() : 0},
             {"containment", containment},
             {"why_not", launched->why_not},
             {"kernel_event", why_no_event},
             {"listen_hint", hint.valid()}},
            hint.valid() ? hint.get() : diag.get());
  TellKeeper({{"event", "launched"}, {"pid", leader_.pid()}, {"argv", request.argv}, {"containment", containment}});
  OnChild();
}

void Warden::OnListen() {
  while (const auto call = process::TakeListenCall(listen_filter_.get())) {
    // Only the first ones: nobody may be there who reads, and a worker that is begun anew every second is no news.
    if (++listens_told_ > kMostListensTold) continue;
    TellOwner({{"op", "listens"}, {"thread", call->thread}, {"descriptor", call->descriptor}});
  }
  pollfd filter{listen_filter_.get(), 0, 0};
  if (::poll(&filter, 1, 0) <= 0 || (filter.revents & POLLHUP) == 0) return;
  // Nobody is left who could call.
  listen_watch_.reset();
  listen_filter_.Reset();
}

process::Result<void> Warden::MakeSeal(const json& message) {
  if (!message.value("sealed", false)) return {};
  auto seal = process::Seal::Make();
  if (!seal.ok()) return process::Failure{"seal it: " + seal.failure().operation, seal.failure().error};
  seal_ = std::move(*seal);
  sealed_.emplace(*seal_);
  finder_.AddInit(seal_->init().pid());
  // Its end raises no SIGCHLD.
  init_watch_.emplace(io_, seal_->init().get(), [this] {
    init_watch_.reset();
    OnChild();
  });
  return {};
}

void Warden::LaunchFailed(const process::Failure& failure) {
  if (seal_) seal_->End();
  TellOwner(Failed(failure));
  io_.stop();
}

void Warden::OnChild() {
  if (!reaper_) return;
  reaper_->Collect();
  if (reaper_->leader_status() && !told_exit_) {
    told_exit_ = true;
    TellOwner({{"op", "exited"}, {"status", *reaper_->leader_status()}});
    TellKeeper({{"event", "exited"}, {"pid", leader_.pid()}, {"status", *reaper_->leader_status()}});
  }
  if (reaper_->nothing_left() && !told_empty_) {
    told_empty_ = true;
    TellOwner({{"op", "empty"}});
  }
  if (stop_ && reaper_->nothing_left()) FinishStop();
}

void Warden::Signal(const json& message) {
  int error = ESRCH;
  const int signal = message.at("signal").get<int>();
  OnListen();  // as before a step of the stop
  if (reaper_ && message.at("whole_tree").get<bool>()) {
    containment::TreeSignal(finder_, &leader_).Send(finder_.Find(), signal);
    error = 0;
  } else if (reaper_ && !reaper_->leader_status()) {
    error = leader_.Signal(signal);
  }
  TellOwner({{"op", "signalled"}, {"errno", error}});
}

void Warden::Connect(const json& message) {
  const auto socket =
      process::BeginConnect(message.at("host").get<std::string>(), message.at("port").get<std::uint16_t>());
  if (socket.ok()) {
    TellOwner({{"op", "connected"}, {"errno", 0}}, socket.value().get());
  } else {
    TellOwner({{"op", "connected"}, {"errno", socket.failure().error}});
  }
}

void Warden::Stop(const std::string& cause, bool announced, bool kill) {
  if (!stop_) {
    stop_cause_ = cause;
    if (!reaper_) {  // nothing was launched
      TellOwner({{"op", "stopped"}, {"cause", cause}, {"result", StopResult{}}});
      io_.stop();
      return;
    }
    // Before the leader's end can be told, which would be taken for a death of its own.
    if (!cause.empty()) TellOwner({{"op", "stopping"}, {"cause", cause}, {"announced", announced}});
    std::vector<const containment::Enclosure*> enclosures;
    if (sealed_) enclosures.push_back(&*sealed_);
    if (leaf_) enclosures.push_back(&*leaf_);
    stop_.emplace(finder_, leader_, *reaper_, kill ? StopPolicy{.steps = {}} : policy_, daemonizes_, enclosures);
    StepStop();
  } else if (kill) {
    FinishStop();
  }
}

void Warden::StepStop() {
  // A call that waits for our word would be interrupted by the signal, and listen(2) knows no EINTR: a server that is at
  // its second address would take it for a failure.
  OnListen();
  const auto deadline = stop_->NextStep();
  if (!deadline) {
    FinishStop();
    return;
  }
  grace_.expires_at(*deadline);
  grace_.async_wait([this](const boost::system::error_code& error) {
    if (!error) StepStop();
  });
  // What ended between the signal and here raised SIGCHLD before anybody waited for it with a stop going on.
  OnChild();
}

void Warden::FinishStop() {
  if (io_.stopped()) return;
  const auto result = stop_->Finish();
  // The keeper first: what the owner does next is not to be heard of before this.
  TellKeeper({{"event", "stopped"}, {"cause", stop_cause_}, {"result", result}});
  TellOwner({{"op", "stopped"}, {"cause", stop_cause_}, {"result", result}});
  io_.stop();
}

void Warden::TellOwner(const json& message, int descriptor) {
  // A peer that is gone or does not read is told nothing; the stop goes on either way.
  if (owner_.open()) static_cast<void>(owner_.Send(message, SendDeadline(), descriptor));
}

void Warden::TellKeeper(const json& message) {
  if (keeper_.open()) static_cast<void>(keeper_.Send(message, SendDeadline()));
}

}  // namespace curfew::keeper
