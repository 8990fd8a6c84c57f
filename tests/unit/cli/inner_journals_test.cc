// SPDX-License-Identifier: Apache-2.0
#include "cli/inner_journals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "report/encode.h"

namespace curfew::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class InnerJournalsTest : public testing::Test {
 protected:
  InnerJournalsTest() {
    std::string name = testing::TempDir() + "curfew-journals-XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  ~InnerJournalsTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  static std::string Line(nlohmann::json event, std::int64_t time_ms) {
    event["time_ms"] = time_ms;
    return event.dump() + "\n";
  }
  static Leak LeakOf(pid_t pid, std::int64_t started_ms) {
    Leak leak;
    leak.process.pid = pid;
    leak.process.state = 'S';
    leak.process.started = std::chrono::system_clock::time_point(std::chrono::milliseconds(started_ms));
    return leak;
  }
  static std::string TwoTests() {
    return Line({{"event", "run_begin"}, {"run", "cf01"}, {"pid", 7}, {"command", {"./kv_test"}}}, 1000) +
           Line({{"event", "test_begin"}, {"test", "Kv.One"}}, 2000) + Line({{"event", "test_end"}}, 3000) +
           Line({{"event", "test_begin"}, {"test", "Kv.Two"}}, 4000);
  }

  std::filesystem::path directory_;
};

TEST_F(InnerJournalsTest, ReadsThoseOfRunsInsideRunsToo) {
  Write("a.jsonl", TwoTests());
  Write("b.d/c.jsonl", Line({{"event", "run_begin"}, {"run", "cf02"}, {"pid", 8}, {"command", {"x"}}}, 1));
  Write("b.d/d.notes", Line({{"event", "run_begin"}, {"run", "cf03"}, {"pid", 9}, {"command", {"y"}}}, 1));
  Write("notes.txt", "no journal");
  const auto runs = ReadInnerJournals(directory_);
  ASSERT_THAT(runs, SizeIs(3));
  EXPECT_TRUE(runs[1].has_journal);
  EXPECT_FALSE(runs[2].has_journal);
  EXPECT_THAT(ReadInnerJournals(directory_ / "missing"), IsEmpty());
}

TEST_F(InnerJournalsTest, TakesLeaksAndStraysOnce) {
  const auto leak = nlohmann::json(LeakOf(11, 0));
  const auto stray = nlohmann::json(LeakOf(12, 0).process);
  Write("a.jsonl", TwoTests() + Line({{"event", "leak"}, {"leak", leak}}, 1) +
                       Line({{"event", "strays"}, {"processes", {stray, leak.at("process")}}}, 2));
  const auto runs = ReadInnerJournals(directory_);
  ASSERT_THAT(runs, SizeIs(1));
  ASSERT_THAT(runs[0].leaks, SizeIs(2));
  EXPECT_EQ(runs[0].leaks[1].process.pid, 12);
  EXPECT_EQ(runs[0].leaks[1].run, "cf01");
}

TEST_F(InnerJournalsTest, NotesAndJournalOfARunAreOne) {
  Write("a.jsonl", TwoTests());
  Write("a.notes", Line({{"event", "run_begin"}, {"run", "cf01"}, {"pid", 7}, {"command", {"./kv_test"}}}, 900) +
                       Line({{"event", "test_begin"}, {"test", "Kv.Zero"}}, 1500));
  const auto runs = ReadInnerJournals(directory_);
  ASSERT_THAT(runs, SizeIs(1));
  ASSERT_THAT(runs[0].tests, SizeIs(3));
  EXPECT_EQ(runs[0].tests[0].name, "Kv.Zero");
}

TEST_F(InnerJournalsTest, EveryTruncationIsRead) {
  const std::string whole = TwoTests() + Line({{"event", "leak"}, {"leak", LeakOf(11, 0)}}, 1);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Write("a.jsonl", whole.substr(0, size));
    EXPECT_LE(ReadInnerJournals(directory_).size(), 1U);
  }
}

TEST_F(InnerJournalsTest, RubbishIsPassedOver) {
  Write("a.jsonl", "\xff\xfe{}\n[1,2]\n{\"event\":4}\n{\"event\":\"leak\",\"time_ms\":1}\n" + TwoTests());
  const auto runs = ReadInnerJournals(directory_);
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(runs[0].tests, SizeIs(2));
}

TEST_F(InnerJournalsTest, BlamesTheTestThatWasRunning) {
  Write("a.jsonl", TwoTests());
  std::vector<Leak> leaks = {LeakOf(1, 2500), LeakOf(2, 4500), LeakOf(3, 500), LeakOf(4, 2500)};
  for (auto& leak : leaks) leak.run = "cf01";
  leaks[3].run = "cf99";  // unknown
  BlameByJournals(ReadInnerJournals(directory_), leaks);
  EXPECT_EQ(leaks[0].test, "Kv.One");
  EXPECT_EQ(leaks[1].test, "Kv.Two");
  EXPECT_EQ(leaks[2].test, "");
  EXPECT_THAT(leaks[2].ancestors, ElementsAre("./kv_test"));
  EXPECT_THAT(leaks[3].ancestors, IsEmpty());
}

}  // namespace
}  // namespace curfew::cli
