// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <curfew/exit_status.h>
#include <curfew/stop.h>

#include "containment/tree_finder.h"
#include "keeper/channel.h"
#include "process/pidfd.h"
#include "process/tag.h"
#include "readiness/owner.h"
#include "readiness/race.h"

namespace curfew::server {

// What holds a server beside lineage and tag, and why it is not more.
struct Containment {
  std::string level = "basic";  // or "cgroup v2", "sealed, cgroup v2"
  std::string why_not = {};     // no cgroup
};

// One life of a server, from launch to the word that nothing of it is left, as its warden tells it.
// One thread at a time, but for over() and what never changes after the launch: warden, leader, init, tag.
class ServerLife : public readiness::Life, public readiness::TreeView {
 public:
  ServerLife(keeper::Channel channel, pid_t warden, std::optional<process::Tag> tag, bool daemonizes);

  // Has the warden launch the leader. The Failure is that of the step that failed, errno included.
  // A descriptor becomes the leader's number 3.
  [[nodiscard]] process::Result<void> Launch(const nlohmann::json& request, int descriptor = -1);

  // readiness::Life
  [[nodiscard]] int fd() const override { return channel_.fd(); }
  [[nodiscard]] bool Ended() override;
  // As Ended, but one whose leader is on its way out counts: a client sees the end of its connection a moment before
  // anybody can collect the process, and a test that ends on that has to be the one that is blamed.
  [[nodiscard]] bool EndedByNow();
  [[nodiscard]] bool TellsOfListening() const override { return why_no_kernel_event_.empty(); }
  [[nodiscard]] unsigned ListenCalls() const override { return listen_calls_; }
  [[nodiscard]] int ListenHint() const override { return listen_hint_.get(); }
  void TakeListenHint() override;
  // readiness::TreeView
  [[nodiscard]] pid_t Leader() const override { return leader_; }
  [[nodiscard]] bool LeaderLives() const override;
  [[nodiscard]] std::vector<pid_t> Pids() const override;

  [[nodiscard]] Tree Snapshot() const;
  [[nodiscard]] const Containment& containment() const { return containment_; }
  [[nodiscard]] pid_t warden() const { return finder_.root(); }
  // Of a sealed tree; else 0.
  [[nodiscard]] pid_t init() const { return init_; }
  [[nodiscard]] std::optional<process::Tag> tag() const { return finder_.tag(); }
  [[nodiscard]] const std::optional<ExitStatus>& exit_status() const { return exit_status_; }
  [[nodiscard]] const std::optional<StopResult>& stop_result() const { return stop_result_; }
  // Why it is being or was stopped, if it was not this test program that asked: "the keeper is gone".
  [[nodiscard]] const std::string& stop_cause() const { return stop_cause_; }
  // That cause is told elsewhere: the test's time-out, or the end of the run.
  [[nodiscard]] bool stop_announced() const { return stop_announced_; }
  // The warden is gone without a word: killed from outside.
  [[nodiscard]] bool lost() const { return lost_; }
  // It is known to be stopped or lost. For any thread: other servers' starts and leak checks ask.
  [[nodiscard]] bool over() const { return over_; }

  // Waits for the leader's end.
  [[nodiscard]] std::optional<ExitStatus> AwaitExit(Deadline deadline);
  // 0 or errno. ESRCH when the leader has ended; EPIPE when the warden is gone.
  [[nodiscard]] int Signal(int signal, bool whole_tree);
  // A socket on its way to the port, made in the server's network namespace.
  [[nodiscard]] process::Result<process::FileDescriptor> Connect(const std::string& host, std::uint16_t port);
  // The sock_diag socket of a private network; invalid if there is none.
  [[nodiscard]] process::FileDescriptor TakeNetworkDiag() { return std::move(network_diag_); }
  // Stops the tree and waits for the warden's report; EPIPE when the warden is gone, ETIMEDOUT.
  [[nodiscard]] process::Result<StopResult> Stop(bool kill, Deadline deadline);
  // To the warden, if it is alive.
  void SignalWarden(int signal);

 private:
  void PinLeader();
  void Pump();
  void Take(const nlohmann::json& message);
  // The next message with this op; others are taken in on the way.
  [[nodiscard]] process::Result<nlohmann::json> Await(const std::string& op, Deadline deadline,
                                                      process::FileDescriptor* descriptor = nullptr);

  keeper::Channel channel_;
  procfs::Proc proc_;
  containment::TreeFinder finder_;
  bool daemonizes_;
  Containment containment_;
  pid_t leader_ = 0;
  std::optional<process::Pidfd> leader_process_;  // absent: there was no descriptor to pin it
  pid_t init_ = 0;
  bool empty_ = false;
  bool lost_ = false;
  std::atomic<bool> over_ = false;
  std::optional<ExitStatus> exit_status_;
  std::optional<StopResult> stop_result_;
  std::string why_no_kernel_event_ = "not launched";
  unsigned listen_calls_ = 0;
  process::FileDescriptor network_diag_;
  process::FileDescriptor listen_hint_;
  std::string stop_cause_;
  bool stop_announced_ = false;
};

}  // namespace curfew::server
