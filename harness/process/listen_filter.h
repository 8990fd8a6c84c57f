// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>

#include "process/file_descriptor.h"
#include "process/result.h"

namespace curfew::process {

// Being told of each listen(2) of a process and of whatever it begins, as it happens: a seccomp filter that lets every
// system call through but listen, which waits until whoever has the filter's descriptor has taken notice
// (seccomp(2), seccomp_unotify(2)). It refuses and changes nothing.
//
// Whoever has the descriptor has to be quick, since the server waits for it; and to keep it for as long as the server
// is to live, since without anybody who has it the kernel fails listen(2) with ENOSYS.
// Not told: calls of another architecture's table (an i386 program), and listening by io_uring.

// Sets the filter on the calling thread for good and sends its descriptor, or why there is none, through a connected
// Unix socket. For a child between fork and exec: async-signal-safe; errno is lost.
//
// Without CAP_SYS_ADMIN it takes no_new_privs, by which set-user-id programs below lose their privileges: only if
// `give_up_privileges`. Refused with EACCES otherwise, and with EBUSY if such a filter is there already.
void SetListenFilter(int socket, bool give_up_privileges);

// What the other end of that socket has to say, once the child has become its program.
[[nodiscard]] Result<FileDescriptor> ReceiveListenFilter(int socket);

struct ListenCall {
  pid_t thread = 0;     // that calls; 0 if it is not of this pid namespace
  int descriptor = -1;  // that it calls listen with
};

// Takes one call off the filter's descriptor and lets it go on. Nothing if none waits. Never blocks.
[[nodiscard]] std::optional<ListenCall> TakeListenCall(int filter);

}  // namespace curfew::process
