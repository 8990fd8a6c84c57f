// SPDX-License-Identifier: Apache-2.0
// Many test programs beside each other, and a range of ports that is much too small: no number is given twice, and who
// steals one causes another attempt and no failure. CURFEW_CHURN=full in the environment: 16 programs of 200 servers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "process/network_namespace.h"
#include "processes.h"

namespace curfew {
namespace {

using testing_support::Program;
using testing_support::ReadFile;
using testing_support::TemporaryDirectory;

// The programs of one test run in a network of their own, in which the range is 300 ports; the test's main process has
// moved there for good.
class Churn : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto entered = process::EnterNewNetwork();
    entered_ = entered.ok();
    if (!entered.ok()) why_not_ = entered.failure().ToString();
    if (entered_) std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "33000 33299\n";
  }
  void SetUp() override {
    if (!entered_) GTEST_SKIP() << "no network namespace of its own: failed to " << why_not_;
    std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
    int first = 0;
    range >> first;
    if (first != 33000) GTEST_SKIP() << "the range of ports cannot be changed here";
    const char* full = std::getenv("CURFEW_CHURN");
    full_ = full != nullptr && std::string(full) == "full";
  }
  void RunAll() {
    std::vector<std::unique_ptr<Program>> programs;
    for (int i = 0; i < (full_ ? 16 : 6); ++i) {
      programs.push_back(std::make_unique<Program>(std::vector<std::string>{CURFEW_CHURN_PROGRAM, full_ ? "200" : "10"},
                                                   std::vector<std::pair<std::string, std::string>>{},
                                                   directory_.path() + '/' + std::to_string(i)));
    }
    for (std::size_t i = 0; i < programs.size(); ++i) {
      const auto status = programs[i]->Wait(std::chrono::seconds(full_ ? 3000 : 100));
      const std::string output = ReadFile(directory_.path() + '/' + std::to_string(i));
      EXPECT_EQ(status, 0) << output;
      if (full_) std::fputs(output.c_str(), stdout);
    }
  }

  static inline bool entered_ = false;
  static inline std::string why_not_;
  bool full_ = false;
  TemporaryDirectory directory_;
};

TEST_F(Churn, NoPortIsGivenTwice) { RunAll(); }

TEST_F(Churn, AThiefCausesRetriesAndNoFailure) {
  const Program thief({CURFEW_CHURN_PROGRAM, "thief", full_ ? "3000" : "100"}, {});
  RunAll();
}

}  // namespace
}  // namespace curfew
