// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/file_descriptor.h"
#include "process/pidfd.h"
#include "process/result.h"

namespace curfew::process {

// A PID namespace of ours with nothing in it but its init, for one tree to be launched into (LaunchRequest::seal).
// Whoever is begun inside stays inside, whatever its privilege: when the init ends, the kernel kills all of them in one
// step (pid_namespaces(7)). Nobody inside can end it: signals of theirs do not reach it.
//
// Where the caller may not make a PID namespace, it comes with a user namespace, in which the caller's user and group
// are mapped to themselves and nobody else is (user_namespaces(7)).
//
// The init is a fork of the caller, and ends with the calling *thread*: only for single-threaded callers. It is the
// caller's child, and its end raises no signal: it is waited for with __WALL only (wait(2)), so that without it a wait
// tells when only the init is left. It collects the orphans inside, and must be told when the last child of
// the caller that lives inside has been collected: from then on it ends with the last of the rest.
class Seal {
 public:
  // The Failure is that of the step: EPERM or ENOSPC where user namespaces are not to be had.
  [[nodiscard]] static Result<Seal> Make();

  [[nodiscard]] const Pidfd& init() const { return init_; }
  // CLONE_NEWPID, perhaps CLONE_NEWUSER.
  [[nodiscard]] int namespaces() const { return namespaces_; }
  // Whether who is launched inside can have a /proc of its own; where not (a container that hides parts of it), it sees
  // the one outside, with other numbers.
  [[nodiscard]] bool own_proc() const { return own_proc_; }
  // Kills everybody inside, and collects the init. For a seal whose inhabitants nobody has to hear of.
  void End() const;
  // To be called once nobody inside is a child of the caller any more.
  void Finish() const;

 private:
  Seal(Pidfd init, FileDescriptor control, int namespaces, bool own_proc)
      : init_(std::move(init)), control_(std::move(control)), namespaces_(namespaces), own_proc_(own_proc) {}

  Pidfd init_;
  FileDescriptor control_;
  int namespaces_;
  bool own_proc_;
};

// Gives the calling process a mount namespace of its own with the /proc of its PID namespace. Async-signal-safe.
// 0 or errno.
[[nodiscard]] int MountOwnProc();
// Has the calling process's children born inside the seal. 0 or errno. Async-signal-safe; single-threaded callers only.
[[nodiscard]] int EnterForChildren(const Seal& seal);

}  // namespace curfew::process
