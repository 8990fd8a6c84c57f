// SPDX-License-Identifier: Apache-2.0
#include <curfew/log.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "readiness/log_scanner.h"
#include "sockets.h"

namespace curfew {
namespace {

using namespace std::chrono_literals;
using curfew::testing::TempDir;
using readiness::LogScanner;
using readiness::Pattern;
using State = LogScanner::State;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::StartsWith;

constexpr std::size_t kAll = std::size_t{1} << 40;

class LogTest : public ::testing::Test {
 protected:
  TempDir dir_;
  Log log_{dir_.path() / "log"};
};

TEST_F(LogTest, LogThatIsNotThereIsEmpty) {
  EXPECT_EQ(log_.Text(), "");
  EXPECT_THAT(log_.Tail(), IsEmpty());
  EXPECT_EQ(log_.Find("."), std::nullopt);
  EXPECT_EQ(log_.WaitFor(".", 0s), std::nullopt);
}

TEST_F(LogTest, TextIsAllOfIt) {
  const std::string text("one\ntwo\0\xFF\r\nthree", 17);
  dir_.Append("log", text);
  EXPECT_EQ(log_.Text(), text);
}

TEST_F(LogTest, TailIsTheLastLines) {
  for (int i = 0; i < 100; ++i) dir_.Append("log", "line " + std::to_string(i) + "\n");
  EXPECT_THAT(log_.Tail(2), ElementsAre("line 98", "line 99"));
  EXPECT_EQ(log_.Tail().size(), 20U);
}

TEST_F(LogTest, FindsTheFirstLineThatMatches) {
  dir_.Append("log", "starting\nport 1 ready\nport 2 ready\n");
  EXPECT_THAT(log_.Find(R"(port \d)"), Optional(std::string("port 1 ready")));
  EXPECT_EQ(log_.Find("^ready"), std::nullopt);
  EXPECT_THAT(log_.Find("2 ready$"), Optional(std::string("port 2 ready")));
}

TEST_F(LogTest, FindsALineWithoutItsNewline) {
  dir_.Append("log", "one\nlast words");
  EXPECT_THAT(log_.Find("^last words$"), Optional(std::string("last words")));
}

TEST_F(LogTest, CarriageReturnIsNotPartOfTheLine) {
  dir_.Append("log", "ready\r\n");
  EXPECT_THAT(log_.Find("^ready$"), Optional(std::string("ready")));
}

TEST_F(LogTest, ReadsAnew) {
  dir_.Append("log", "one\n");
  EXPECT_EQ(log_.Find("two"), std::nullopt);
  dir_.Append("log", "two\n");
  EXPECT_TRUE(log_.Find("two"));
}

TEST_F(LogTest, RegexThatDoesNotCompileIsAnArgumentError) {
  EXPECT_THROW(static_cast<void>(log_.Find("(")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(log_.WaitFor("a**", 0s)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(log_.Find(R"((a)\1)")), std::invalid_argument) << "back references";
}

TEST_F(LogTest, WaitsForALineThatIsWrittenMeanwhile) {
  dir_.Append("log", "starting\n");
  std::jthread server([this] { dir_.Append("log", "ready\n"); });
  EXPECT_THAT(log_.WaitFor("ready", 60s), Optional(std::string("ready")));
}

TEST_F(LogTest, WaitsForALogThatIsNotThereYet) {
  std::jthread server([this] { dir_.Append("log", "ready\n"); });
  EXPECT_TRUE(log_.WaitFor("ready", 60s));
}

TEST_F(LogTest, WaitsForTheEndOfTheLine) {
  dir_.Append("log", "port 80");
  std::jthread server([this] { dir_.Append("log", "80\n"); });
  EXPECT_THAT(log_.WaitFor(R"(port \d+)", 60s), Optional(std::string("port 8080")));
}

TEST_F(LogTest, UnfinishedLineCountsWhenTimeIsUp) {
  dir_.Append("log", "login: ");
  EXPECT_THAT(log_.WaitFor("login:", 1ms), Optional(std::string("login: ")));
}

TEST_F(LogTest, NegativeTimeoutIsNoWait) {
  EXPECT_EQ(log_.WaitFor("ready", -1s), std::nullopt);
}

TEST_F(LogTest, WaitEndsAtItsDeadlineThoughThereIsMoreToRead) {
  dir_.Append("log", std::string(2 << 20, '\n'));
  const auto took = [](const auto& action) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(action(), std::nullopt);
    return std::chrono::steady_clock::now() - begin;
  };
  EXPECT_LT(took([this] { return log_.WaitFor("never", 1ns); }), took([this] { return log_.Find("never"); }) / 4);
}

TEST(EndlessLogTest, IsReadToWhereItIsNow) {
  // No writer is as quick as this one. Its size is said to be 0.
  const Log endless("/dev/zero");
  EXPECT_EQ(endless.Find("never"), std::nullopt);
  EXPECT_EQ(endless.WaitFor("never", 0s), std::nullopt);
  EXPECT_EQ(endless.WaitFor("never", 1ms), std::nullopt);
  EXPECT_EQ(endless.Text(), "");
}

class LogScannerTest : public ::testing::Test {
 protected:
  LogScanner Scanner(const std::string& regex, std::uint64_t offset = 0) {
    return {dir_.path() / "log", offset, Pattern(regex)};
  }
  TempDir dir_;
};

TEST_F(LogScannerTest, ReadsOnlyWhatIsNew) {
  dir_.Append("log", "one\ntw");
  LogScanner scanner = Scanner("two");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_EQ(scanner.lines(), 1U);
  EXPECT_EQ(scanner.unfinished(), "tw");
  dir_.Append("log", "o\nthree\n");
  EXPECT_EQ(scanner.Scan(kAll), State::kFound);
  EXPECT_EQ(scanner.line(), "two");
  EXPECT_EQ(scanner.Scan(kAll), State::kFound);
}

TEST_F(LogScannerTest, BeginsWhereItIsTold) {
  dir_.Append("log", "ready\nstarting again\n");
  EXPECT_EQ(Scanner("ready", 6).Scan(kAll), State::kAtEnd);
}

TEST_F(LogScannerTest, FileThatWasEmptiedIsReadFromItsBegin) {
  LogScanner scanner = Scanner("^ready");
  dir_.Append("log", "one\ntwo\nhalf a li");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  std::filesystem::resize_file(dir_.path() / "log", 0);
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_EQ(scanner.unfinished(), "") << "it is gone";
  dir_.Append("log", "ready\n");
  EXPECT_EQ(scanner.Scan(kAll), State::kFound);
}

TEST_F(LogScannerTest, UnfinishedLineIsNotFoundButCanBeAskedFor) {
  dir_.Append("log", "port 80");
  LogScanner scanner = Scanner("port 80$");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_TRUE(scanner.UnfinishedMatches());
  dir_.Append("log", "80\n");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_FALSE(scanner.UnfinishedMatches());
}

TEST_F(LogScannerTest, NulBytesAndInvalidUtf8AreOrdinaryBytes) {
  dir_.Append("log", std::string("\0\xFF\xFE ready\0\n", 11));
  EXPECT_EQ(Scanner("ready").Scan(kAll), State::kFound);
}

TEST_F(LogScannerTest, EmptyLinesAreLines) {
  dir_.Append("log", "\n\n");
  LogScanner scanner = Scanner("^$");
  EXPECT_EQ(scanner.Scan(kAll), State::kFound);
  EXPECT_EQ(scanner.lines(), 1U);
}

TEST_F(LogScannerTest, StopsAtItsBudgetAndSaysThatThereIsMore) {
  dir_.Append("log", std::string(1 << 20, 'x') + "\nready\n");
  LogScanner scanner = Scanner("ready");
  EXPECT_EQ(scanner.Scan(1 << 16), State::kMore);
  State state = State::kMore;
  while (state == State::kMore) state = scanner.Scan(1 << 16);
  EXPECT_EQ(state, State::kFound);
}

// A line of 100 MiB, with NUL bytes: the window over it stays small, and its end is found.
TEST_F(LogScannerTest, LineOf100MiBIsMatchedInBoundedMemory) {
  constexpr int kMiB = 100;
  const std::string mebibyte = std::string((1 << 20) - 1, 'x') + '\0';
  for (int i = 0; i < kMiB; ++i) dir_.Append("log", mebibyte);
  LogScanner end = Scanner("x\\x00ready$");
  LogScanner beginning_only = Scanner("^ready");
  std::size_t largest = 0;
  while (end.Scan(1 << 20) == State::kMore) largest = std::max(largest, end.unfinished().size());
  EXPECT_LE(largest, std::size_t{2} << 20);
  dir_.Append("log", "ready\nnext\n");
  EXPECT_EQ(end.Scan(kAll), State::kFound);
  EXPECT_EQ(beginning_only.Scan(kAll), State::kAtEnd) << "^ holds at the line's beginning, not at a window's";
  EXPECT_EQ(beginning_only.lines(), 2U);
}

TEST_F(LogScannerTest, EndOfALineIsNotTheEndOfAWindow) {
  // Exactly a window long, so that "x" is the last byte when the window is matched.
  dir_.Append("log", std::string(1 << 20, 'x'));
  LogScanner scanner = Scanner("x$");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_TRUE(scanner.UnfinishedMatches());
  dir_.Append("log", "y\n");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd);
  EXPECT_FALSE(scanner.UnfinishedMatches());
}

TEST_F(LogScannerTest, BeginningOfAWindowIsNotTheBeginningOfALine) {
  // After the first window its last 64 KiB stay: they begin with "ready".
  const std::string line =
      std::string((1 << 20) - (1 << 16), 'x') + "ready" + std::string((1 << 16) - 5, 'y');
  dir_.Append("log", line + "\n" + line + std::string(1 << 20, 'y') + "\n");
  LogScanner scanner = Scanner("^ready");
  EXPECT_EQ(scanner.Scan(kAll), State::kAtEnd) << "neither where the line ends nor where it goes on";
  EXPECT_EQ(scanner.lines(), 2U);
  EXPECT_EQ(Scanner("xready").Scan(kAll), State::kFound);
}

TEST_F(LogScannerTest, MatchAcrossTheEdgeOfAWindowIsFound) {
  dir_.Append("log", std::string((1 << 20) - 3, 'x') + "ready" + std::string(1 << 20, 'y') + "\n");
  EXPECT_EQ(Scanner("xready+y").Scan(kAll), State::kFound);
}

// Takes for ever in an engine that backtracks: 2^N steps. Here it ends, which is the assertion.
TEST_F(LogScannerTest, PatternThatBacktracksElsewhereEnds) {
  dir_.Append("log", std::string(100'000, 'a') + "!\n");
  EXPECT_EQ(Scanner("^(a+)+$").Scan(kAll), State::kAtEnd);
  EXPECT_EQ(Scanner("(a|aa)+(a|aa)+(a|aa)+b").Scan(kAll), State::kAtEnd);
}

TEST(PatternTest, WhatIsNoUtf8IsMatchedByteByByte) {
  EXPECT_TRUE(Pattern("^begin.*end$").Matches("begin \xff\xfe end"));
  EXPECT_TRUE(Pattern("gr..e").Matches("gr\xfc\xdf"
                                       "e"))
      << "Latin-1";
  EXPECT_EQ(Pattern("^a(?P<rest>.*)$").Captures("a\xff", 0, 2).at("rest"), "\xff");
  EXPECT_TRUE(Pattern("^.$").Matches("\xc3\xa9")) << "one character of UTF-8";
  EXPECT_FALSE(Pattern("^..$").Matches("\xc3\xa9"));
}

TEST(PatternTest, SaysWhyItDoesNotCompile) {
  EXPECT_EQ(Pattern("a+").error(), "");
  EXPECT_NE(Pattern("(").error(), "");
  EXPECT_FALSE(Pattern("(").Matches("("));
}

}  // namespace
}  // namespace curfew
