// SPDX-License-Identifier: Apache-2.0
// curfew-warden TAG: started by the keeper, one per server. TAG is 0 where the run has no tags.
#include <signal.h>

#include <cstdlib>

#include "containment/reaper.h"
#include "keeper/protocol.h"
#include "keeper/warden.h"

int main(int argc, char** argv) {
  using namespace curfew;
  if (argc < 2) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  if (containment::BecomeSubreaper() != 0) return 1;
  const auto tag = process::Tag::FromValue(std::strtoull(argv[1], nullptr, 10));
  keeper::Warden warden(keeper::Channel(process::FileDescriptor(keeper::kWardenKeeperLink)),
                        keeper::Channel(process::FileDescriptor(keeper::kWardenOwnerChannel)), tag,
                        process::Launcher::Real());
  warden.Run();
  return 0;
}
