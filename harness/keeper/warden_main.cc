// SPDX-License-Identifier: Apache-2.0
// curfew-warden TAG SERVER [LEAF]: started by the keeper, one per server. TAG is 0 where the run has no tags; SERVER is
// for those who look at the process; LEAF is the name of its cgroup.
#include <signal.h>

#include <cstdlib>
#include <utility>

#include "containment/reaper.h"
#include "keeper/protocol.h"
#include "keeper/warden.h"
#include "process/self_wake.h"

int main(int argc, char** argv) {
  using namespace curfew;
  if (argc < 2) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  if (containment::BecomeSubreaper() != 0) return 1;
  const process::SelfWake wake;
  const auto tag = process::Tag::FromValue(std::strtoull(argv[1], nullptr, 10));
  keeper::Channel link{process::FileDescriptor(keeper::kWardenKeeperLink)};
  keeper::Channel owner{process::FileDescriptor(keeper::kWardenOwnerChannel)};
  std::optional<containment::CgroupLeaf> leaf;
  if (argc > 3) leaf = containment::CgroupLeaf::Adopt(process::FileDescriptor(keeper::kWardenLeaf), argv[3]);
  try {
    keeper::Warden warden(std::move(link), std::move(owner), tag, std::move(leaf), process::Launcher::Real());
    warden.Run();
  } catch (const boost::system::system_error& error) {
    // No descriptors for its event loop. Nothing was launched.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    static_cast<void>(
        owner.Send({{"op", "failed"}, {"operation", "set up the warden"}, {"errno", error.code().value()}}, deadline));
    static_cast<void>(link.Send({{"op", "drained"}}, deadline));
    return 1;
  }
  return 0;
}
