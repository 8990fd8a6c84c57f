// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace curfew {

// There is no such server to be had on this machine: not installed, or too old. Thrown by a spec (the ready-made
// ones of servers.h do) before anything is started.
//
// A fixture whose Spec() throws it skips its tests, and says so; no server is at fault. In a test without a fixture
// catch it and call GTEST_SKIP() << error.what().
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace curfew
