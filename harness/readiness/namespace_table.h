// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "process/clock.h"
#include "process/file_descriptor.h"
#include "readiness/listeners.h"
#include "readiness/owner.h"

namespace curfew::readiness {

// The sockets of the private network that a process is in, by a sock_diag socket of that network, or if it is invalid
// or refused by /proc/PID/net/tcp{,6}. `proc` must outlive it.
[[nodiscard]] std::unique_ptr<ListenerTable> MakePrivateTable(const procfs::Proc& proc, pid_t pid,
                                                              process::FileDescriptor diag);

// Another table, and where that shows nobody, what is listened on in the network namespace of the tree's leader, if it
// has gone into one of its own (unshare, ip netns exec): such a server listens where nobody here can connect to it.
// While there is nobody either it is looked at no more than every 250 ms. All three must outlive its calls.
[[nodiscard]] std::unique_ptr<ListenerTable> MakeFollowingTable(const procfs::Proc& proc, ListenerTable& own,
                                                                const TreeView& tree);

}  // namespace curfew::readiness
