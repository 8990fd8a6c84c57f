// SPDX-License-Identifier: Apache-2.0
#pragma once

// The messages, by who sends them. Each is an object with "op".
//
// Test program -> keeper, each answered once:
//   server {name, test, log, level, quiet?: true} + one end of a new channel
//                                                        -> warden {pid, tag, why_no_leaf} | failed {operation, errno}
//     (quiet: a command of Ready::Command, whose events are no news for the journal)
//   test_begins {test, timeout_ns, passed_ns, explicit}  -> ok        (explicit: also without a server)
//   test_timeout {timeout_ns}                            -> ok        (of the running test, from its beginning)
//   test_ends {}                                         -> ok {timed_out?: text}
//   test_result {test}                                   -> ok {kept: [files]}   (as the journal's test_end)
//   spare {pids}                                         -> ok        (strays that outlive the program on purpose)
//   end {}                                               -> ok        (when every warden is gone)
// Test program -> keeper, not answered:
//   program {output, directory, keep, journal: [events]} (what the framework knows; before anything of tests)
//   iteration {iteration}                                (all tests are about to run, once more)
//   program_end {}                                       (the framework has written its results)
//   note {journal}                                       (an event for the journal)
// Keeper -> test program, unasked, first thing: hello {pid} + a pidfd of the keeper itself | failed {operation, errno}
//
// Test program -> warden, over the server's own channel:
//   launch {executable, argv, environment, working_dir, log, own_session, daemonizes, policy, level, sealed,
//          kernel_event: never|free|always, sockets?: [{name, listens, host, port | path}],
//          private_network?} + a descriptor that becomes the leader's number 3, if one rides along
//                                                        -> started {pid, init, containment, why_not,
//                                                           kernel_event: "" or why not}
//                                                           + a sock_diag socket of the private network
//                                                           | failed {operation, errno}
//   signal {signal, whole_tree}                          -> signalled {errno}
//   connect {host, port}                                 -> connected {} + the socket, on its way | connected {errno}
//   stop {kill?: true}                                   -> stopped {cause, result}
// Warden -> test program, unasked:
//   stopping {cause, announced}                          (somebody else asked for it)
//   listens {thread, descriptor}                         (the first calls of listen, if kernel_event)
//   exited {status}
//   empty {}                                             (nothing of the tree is left)
//   stopped {cause, result}                              (somebody else asked for it)
//
// Keeper -> warden: stop {cause, announced}
// Warden -> keeper: event {journal}; drained {} as its last word
namespace curfew::keeper {

// The descriptors our helper processes are started with.
inline constexpr int kKeeperControl = 3;      // keeper: its channel to the test program
inline constexpr int kKeeperOwnerPidfd = 4;   // keeper: a pidfd of the test program
inline constexpr int kWardenKeeperLink = 3;   // warden: its channel to the keeper
inline constexpr int kWardenOwnerChannel = 4; // warden: its channel to the test program
inline constexpr int kWardenLeaf = 5;         // warden: the directory of its cgroup leaf, if it has one

}  // namespace curfew::keeper
