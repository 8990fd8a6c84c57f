// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace curfew::testing {

// Puts the calling process, of one thread, into new namespaces (CLONE_NEWNS, CLONE_NEWPID, ... of unshare(2)), in which
// it may do what root does: without root's rights it comes with a user namespace whose root is this user. False where
// that is not allowed here.
[[nodiscard]] bool EnterNamespaces(int spaces);

}  // namespace curfew::testing
