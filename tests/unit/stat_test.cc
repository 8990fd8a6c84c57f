// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "procfs/proc.h"
#include "temp_proc.h"

namespace curfew::procfs {
namespace {

using namespace std::string_literals;
using curfew::testing::StatText;

TEST(ParseStatTest, ReadsTheFieldsOfAWholeLine) {
  const auto stat = ParseStat(StatText(4711, "redis-server"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 4711);
  EXPECT_EQ(stat->comm, "redis-server");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, 5);
  EXPECT_EQ(stat->pgrp, 7);
  EXPECT_EQ(stat->session, 9);
  EXPECT_EQ(stat->start_ticks, 1234U);
  EXPECT_FALSE(stat->zombie());
}

TEST(ParseStatTest, AProcessThatHasLostOnlyItsMainThreadIsAlive) {
  auto text = StatText(42, "x", 'Z');
  text.replace(text.find(" 20 0 1 0 1234"), 14, " 20 0 2 0 1234");
  const auto stat = ParseStat(text);
  ASSERT_TRUE(stat);
  EXPECT_FALSE(stat->zombie());
  EXPECT_FALSE(stat->exiting());
}

TEST(ParseStatTest, NameMayHoldAnything) {
  for (const std::string& comm : {"a b"s, ")"s, "("s, "((("s, ") S 1 1 1 ("s, "two\nlines"s, ""s, "\xFF\x01"s,
                                  "nul\0nul"s, "1 (x) Z 2 3"s}) {
    const auto stat = ParseStat(StatText(42, comm));
    ASSERT_TRUE(stat) << comm;
    EXPECT_EQ(stat->comm, comm);
    EXPECT_EQ(stat->ppid, 5) << comm;
    EXPECT_EQ(stat->start_ticks, 1234U) << comm;
  }
}

TEST(ParseStatTest, DeadStatesAreZombies) {
  EXPECT_TRUE(ParseStat(StatText(1, "x", 'Z'))->zombie());
  EXPECT_TRUE(ParseStat(StatText(1, "x", 'X'))->zombie());
  EXPECT_FALSE(ParseStat(StatText(1, "x", 'T'))->zombie());
}

TEST(ParseStatTest, EveryTextCutBeforeTheStartTimeEndsIsNothing) {
  const std::string whole = StatText(4711, "server");
  const std::size_t end = whole.find(" 1234 ") + " 1234"s.size();
  for (std::size_t size = 0; size <= end; ++size) {
    EXPECT_FALSE(ParseStat(std::string_view(whole).substr(0, size))) << whole.substr(0, size);
  }
  EXPECT_TRUE(ParseStat(std::string_view(whole).substr(0, end + 1)));
}

TEST(ParseStatTest, GarbageIsNothing) {
  for (const std::string& text :
       {"x (y) S 1 2 3"s, ")("s, "() "s, "1 (x) SS"s + StatText(1, "x").substr(7),
        "99999999999"s + StatText(1, "x").substr(1), std::string(4096, '\0'), std::string(4096, ')'),
        "1 (x) S 1 2 x 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9 9"s}) {
    EXPECT_FALSE(ParseStat(text)) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace curfew::procfs
