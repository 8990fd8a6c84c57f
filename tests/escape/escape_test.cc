// SPDX-License-Identifier: Apache-2.0
// The subset of the escape matrix that every run of the tests takes, one test a cell, and the proof that the matrix
// can fail. All of it: scripts/escape-matrix.sh.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "cell.h"

namespace curfew::escape {
namespace {

class CellTest : public testing::Test {
 public:
  CellTest(const Row& row, const Column& column) : row_(row), column_(column) {}
  void TestBody() override {
    const Outcome outcome = RunCell(row_, column_, OptionsFromEnvironment());
    if (!outcome.skipped.empty()) GTEST_SKIP() << outcome.skipped;
    EXPECT_TRUE(outcome.clean()) << outcome.ToString();
  }

 private:
  const Row& row_;
  const Column& column_;
};

[[maybe_unused]] const bool kRegistered = [] {
  for (const Row& row : Rows()) {
    for (const Column& column : Columns()) {
      if (LeftOut(row, column) || !IsFast(row, column)) continue;
      testing::RegisterTest(("Matrix/" + std::string(row.name)).c_str(), std::string(column.name).c_str(), nullptr,
                            nullptr, __FILE__, __LINE__,
                            [&row, &column]() -> testing::Test* { return new CellTest(row, column); });
    }
  }
  return true;
}();

const Row& RowNamed(const std::string& name) {
  return *std::ranges::find(Rows(), name, &Row::name);
}

Outcome RunWithout(const std::string& mechanisms, const std::string& row, const std::string& column) {
  CellOptions options = OptionsFromEnvironment();
  options.disabled = mechanisms;
  options.patience = std::chrono::seconds(3);
  return RunCell(RowNamed(row), *FindColumn(column), options);
}

// A matrix that cannot fail shows nothing. With what carries a cell switched off, the cell has to show survivors.
TEST(MatrixCanFail, DaemonSurvivesWithoutSubreaperTagAndCgroup) {
  for (const auto* row : {"SigkillOfProgram", "Pass", "Segv"}) {
    const Outcome outcome = RunWithout("subreaper,tag,mark,cgroup", row, "DoubleForkDaemon");
    EXPECT_EQ(outcome.Letter(), 'S') << row << "\n" << outcome.ToString();
  }
}

TEST(MatrixCanFail, DisguisedDaemonSurvivesWithoutSubreaperTagAndCgroup) {
  const Outcome outcome = RunWithout("subreaper,tag,cgroup", "SigkillOfProgram", "Disguised");
  EXPECT_EQ(outcome.Letter(), 'S') << outcome.ToString();
}

TEST(MatrixCanFail, ForkHoldsTheServerUpWithoutPidfd) {
  const Outcome outcome = RunWithout("pidfd", "ForkThenSigkill", "ChildInGroup");
  EXPECT_EQ(outcome.Letter(), 'S') << outcome.ToString();
}

TEST(MatrixCanFail, ForkSurvivesItsProgramWithoutTag) {
  const Outcome outcome = RunWithout("tag", "ForkThenSigkill", "ChildInGroup");
  EXPECT_EQ(outcome.Letter(), 'S') << outcome.ToString();
}

TEST(TheTable, LeavesOutNothingWithoutAReasonAndFewInAll) {
  std::size_t cells = 0;
  std::size_t left_out = 0;
  for (const Row& row : Rows()) {
    for (const Column& column : Columns()) {
      ++cells;
      const auto reason = LeftOut(row, column);
      if (!reason) continue;
      ++left_out;
      EXPECT_GT(reason->size(), 20U);
    }
  }
  EXPECT_GE(cells, 1300U);
  EXPECT_LE(left_out, Columns().size() + 5);
}

}  // namespace
}  // namespace curfew::escape
