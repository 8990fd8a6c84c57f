// SPDX-License-Identifier: Apache-2.0
// Meant to fail: a server that runs but never listens. The wait ends with its deadline and says what was seen.
#include <gtest/gtest.h>

#include <curfew/curfew.h>

namespace {

using namespace std::chrono_literals;

class NeverListens : public curfew::ServerFixture {
 protected:
  curfew::ServerSpec Spec() override {
    return {.command = {CURFEW_SAMPLE_DIR "/never_listens", "--port", "{port}"}, .ready_timeout = 1s};
  }
};

TEST_F(NeverListens, NeverGetsToItsBody) { ADD_FAILURE() << "the body must not run"; }

}  // namespace
