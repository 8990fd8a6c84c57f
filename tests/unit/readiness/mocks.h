// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "process/clock.h"
#include "readiness/listeners.h"
#include "readiness/owner.h"
#include "readiness/probe.h"
#include "readiness/race.h"

namespace curfew::testing {

class MockTree : public readiness::TreeView {
 public:
  MOCK_METHOD(pid_t, Leader, (), (const, override));
  MOCK_METHOD(std::vector<pid_t>, Pids, (), (const, override));
};

// A tree of one process: this one, unless told otherwise.
class TreeOf : public readiness::TreeView {
 public:
  explicit TreeOf(pid_t leader = ::getpid()) : leader_(leader) {}
  [[nodiscard]] pid_t Leader() const override { return leader_; }
  [[nodiscard]] std::vector<pid_t> Pids() const override { return {leader_}; }

 private:
  pid_t leader_;
};

class MockListenerTable : public readiness::ListenerTable {
 public:
  MOCK_METHOD(process::Result<std::vector<readiness::ListeningSocket>>, On, (std::uint16_t), (override));
};

class MockUnixTable : public readiness::UnixTable {
 public:
  MOCK_METHOD(process::Result<std::vector<readiness::UnixSocket>>, At, (const readiness::UnixAddress&), (override));
};

class MockProbe : public readiness::Probe {
 public:
  MOCK_METHOD(readiness::Observation, Look, (Deadline), (override));
  MOCK_METHOD(void, AddDescriptors, (std::vector<pollfd>&), (const, override));
  MOCK_METHOD(std::optional<Deadline>, WantsLook, (), (const, override));
  MOCK_METHOD(bool, Busy, (), (const, override));
  MOCK_METHOD(std::optional<std::string>, Stranger, (), (override));
  MOCK_METHOD(void, Attend, (), (override));
  MOCK_METHOD(void, ListenComes, (), (override));
  MOCK_METHOD(std::optional<Deadline>, Extension, (), (const, override));
  MOCK_METHOD(void, AppendSeen, (std::vector<readiness::Observation>&), (const, override));
};

class MockLife : public readiness::Life {
 public:
  MOCK_METHOD(int, fd, (), (const, override));
  MOCK_METHOD(bool, Ended, (), (override));
  MOCK_METHOD(int, ListenHint, (), (const, override));
  MOCK_METHOD(unsigned, ListenCalls, (), (const, override));
  MOCK_METHOD(void, TakeListenHint, (), (override));
};

class MockClock : public process::Clock {
 public:
  MOCK_METHOD(Deadline, Now, (), (const, override));
};

inline readiness::Observation Satisfied(std::string saw = "yes") {
  return {.satisfied = true, .saw = std::move(saw), .taken = {}};
}
inline readiness::Observation NotYet(std::string saw = "no") {
  return {.satisfied = false, .saw = std::move(saw), .taken = {}};
}
inline readiness::Observation Taken(const std::string& by) {
  return {.satisfied = false, .saw = by, .taken = by};
}

}  // namespace curfew::testing
