// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

#include "containment/cgroup_leaf.h"
#include "containment/reaper.h"
#include "containment/stop_routine.h"
#include "containment/tree_finder.h"
#include "keeper/channel.h"
#include "keeper/watch.h"
#include "process/launch.h"

namespace curfew::keeper {

// The process that stands over one server: launches its leader, is the subreaper of its tree, tells how the
// leader ended, and stops the tree when it is told to, or when its keeper or its owner is gone.
//
// Single-threaded, so that the leader may be bound to its life by PR_SET_PDEATHSIG.
class Warden {
 public:
  // Takes the channels only once nothing can throw any more.
  Warden(Channel&& keeper, Channel&& owner, std::optional<process::Tag> tag,
         std::optional<containment::CgroupLeaf>&& leaf, process::Launcher& launcher);
  // Returns when the tree is gone, or what is left of it cannot be ended.
  void Run();

 private:
  void OnKeeper();
  void OnOwner();
  void OnChild();
  // Makes the seal the leader is launched into, if the message asks for it.
  [[nodiscard]] process::Result<void> MakeSeal(const nlohmann::json& message);
  void LaunchFailed(const process::Failure& failure);
  void AwaitChildren();
  void Handle(const nlohmann::json& message, const process::FileDescriptor& descriptor);
  // `descriptor`, if there is one, becomes number 3 of the leader.
  void Launch(const nlohmann::json& message, const process::FileDescriptor& descriptor);
  void OnListen();
  void Signal(const nlohmann::json& message);
  // Makes a connection inside the server's network.
  void Connect(const nlohmann::json& message);
  // `announced`: the end of the run or a test's time-out, which is told elsewhere.
  void Stop(const std::string& cause, bool announced, bool kill);
  void StepStop();
  void FinishStop();
  void PinKeeper();
  void WakeKeeper() const;
  void TellOwner(const nlohmann::json& message, int descriptor = -1);
  void TellKeeper(const nlohmann::json& event);

  boost::asio::io_context io_{1};
  boost::asio::signal_set children_{io_, SIGCHLD};
  boost::asio::signal_set terminations_{io_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::steady_timer grace_{io_};
  Channel keeper_;
  process::Pidfd keeper_process_;
  Channel owner_;
  std::optional<Watch> keeper_watch_;
  std::optional<Watch> owner_watch_;
  process::Launcher& launcher_;

  std::optional<containment::CgroupLeaf> leaf_;
  std::optional<process::Seal> seal_;
  std::optional<containment::SealEnclosure> sealed_;
  std::optional<Watch> init_watch_;
  containment::TreeFinder finder_;
  process::Pidfd leader_;
  process::FileDescriptor listen_filter_;
  std::optional<Watch> listen_watch_;
  int listens_told_ = 0;
  std::optional<containment::Reaper> reaper_;
  StopPolicy policy_;
  bool daemonizes_ = false;
  bool told_exit_ = false;
  bool told_empty_ = false;
  std::string stop_cause_;
  std::optional<containment::StopRoutine> stop_;
};

}  // namespace curfew::keeper
