// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "mocks.h"
#include "readiness/probe.h"
#include "sockets.h"

namespace curfew::readiness {

inline constexpr Deadline kNow{std::chrono::seconds(1000)};

// A subject whose server is this process, with the tables of the real kernel, and a directory of its own.
class ProbeTest : public ::testing::Test {
 protected:
  std::unique_ptr<Probe> Make(const Ready& ready) { return MakeProbe(ready, subject_); }
  Observation Look(const Ready& ready) { return Make(ready)->Look(kNow); }
  void ServerIs(const TreeView& tree) { subject_.tree = &tree; }
  void PortIs(std::uint16_t port) { subject_.address.ports[""] = port; }

  curfew::testing::TempDir dir_;
  procfs::Proc proc_;
  std::unique_ptr<ListenerTable> table_ = MakeListenerTable(proc_);
  std::unique_ptr<ListenerTable> udp_ = MakeUdpTable(proc_);
  std::unique_ptr<UnixTable> unix_ = MakeUnixTable();
  curfew::testing::TreeOf self_;
  Subject subject_{.address = {.host = "127.0.0.1", .ports = {{"", 1}}, .dir = dir_.path()},
                   .log = dir_.path() / "log",
                   .tree = &self_,
                   .proc = &proc_,
                   .listeners = table_.get(),
                   .datagram_sockets = udp_.get(),
                   .unix_sockets = unix_.get()};
};

}  // namespace curfew::readiness
