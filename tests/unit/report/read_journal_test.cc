// SPDX-License-Identifier: Apache-2.0
#include "report/read_journal.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <random>

#include "report/model_json.h"
#include "sample_journal.h"

namespace curfew::report {
namespace {

using curfew::testing::Line;
using curfew::testing::SampleJournal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

RunReport Read(std::string_view text) {
  RunReport report;
  ReadJournal(text, "the.jsonl", report);
  return report;
}

const TestRecord& Find(const RunReport& report, const std::string& name) {
  const auto& tests = report.runs.at(0).tests;
  const auto found = std::ranges::find(tests, name, &TestRecord::name);
  if (found == tests.end()) throw std::runtime_error("no test " + name);
  return *found;
}

Time At(std::int64_t milliseconds) { return Time(Span(milliseconds)); }

TEST(ReadJournalTest, TellsWhoseRunItIs) {
  const auto report = Read(SampleJournal());
  EXPECT_THAT(report.damage, IsEmpty());
  ASSERT_THAT(report.runs, SizeIs(1));
  const auto& run = report.runs[0];
  EXPECT_EQ(run.id, "abc123");
  EXPECT_EQ(run.host, "builder");
  EXPECT_EQ(run.directory, "/src");
  EXPECT_EQ(run.pid, 4000);
  EXPECT_THAT(run.command, ElementsAre("./kv_test", "--gtest_output=xml:kv.xml"));
  EXPECT_EQ(run.containment, "lineage and tag");
  EXPECT_EQ(run.output, "xml:kv.xml");
  EXPECT_EQ(run.begin, At(1'000'000));
  EXPECT_EQ(run.end, At(1'006'160));
  EXPECT_EQ(run.ending, "the test program ended");
  EXPECT_EQ(run.status, ExitStatus::KilledBy(SIGABRT, true));
  EXPECT_TRUE(run.complete);
  EXPECT_FALSE(run.finished);
  EXPECT_FALSE(report.clean());
  ASSERT_THAT(run.notes, SizeIs(1));
  EXPECT_EQ(run.notes[0].text, "something worth saying");
}

TEST(ReadJournalTest, NamesWhatRanWhatTimedOutAndWhatDidNotRun) {
  const auto report = Read(SampleJournal());
  ASSERT_THAT(report.runs.at(0).tests, SizeIs(7));
  EXPECT_EQ(Find(report, "Kv.Early").result, TestResult::kPassed);
  EXPECT_EQ(Find(report, "Kv.Early").begin, At(999'900));
  EXPECT_EQ(Find(report, "Kv.EarlyFails").result, TestResult::kFailed);
  EXPECT_EQ(Find(report, "Kv.Pings").result, TestResult::kPassed);
  EXPECT_EQ(Find(report, "Kv.Pings").begin, At(1'000'000));
  EXPECT_EQ(Find(report, "Kv.Pings").duration, 95ms);
  const auto& failed = Find(report, "Kv.Fails");
  EXPECT_EQ(failed.result, TestResult::kFailed);
  ASSERT_THAT(failed.failures, SizeIs(1));
  EXPECT_THAT(failed.failures[0].message, HasSubstr("no ]]>"));
  EXPECT_EQ(failed.failures[0].line, 20);
  EXPECT_EQ(failed.failures_left_out, 3U);
  EXPECT_THAT(failed.files, ElementsAre("/artifacts/Kv.Fails/redis-1.log"));
  EXPECT_EQ(Find(report, "Kv.Skips").result, TestResult::kSkipped);
  EXPECT_EQ(Find(report, "Kv.Hangs").result, TestResult::kTimedOut);
  EXPECT_EQ(Find(report, "Kv.Hangs").file, "kv_test.cc");
  EXPECT_THAT(Find(report, "Kv.Hangs").evidence, HasSubstr("after its timeout of 3 s"));
  EXPECT_EQ(Find(report, "Kv.Never").result, TestResult::kNotRun);
}

TEST(ReadJournalTest, TellsTheLifeOfAServer) {
  const auto report = Read(SampleJournal());
  ASSERT_THAT(report.runs.at(0).servers, SizeIs(2));
  const auto& redis = report.runs[0].servers[0];
  EXPECT_EQ(redis.name, "redis");
  EXPECT_EQ(redis.test, "Kv.Pings");
  EXPECT_EQ(redis.pid, 4002);
  EXPECT_EQ(redis.log, "/tmp/r/1.log");
  EXPECT_THAT(redis.ports, ElementsAre(6400));
  EXPECT_THAT(redis.log_tail, ElementsAre("ready to accept", "bye"));
  EXPECT_EQ(redis.asked, At(1'000'003));
  EXPECT_EQ(redis.launched, At(1'000'005));
  EXPECT_EQ(redis.ready, At(1'000'015));
  EXPECT_EQ(redis.stopping, At(1'000'060));
  EXPECT_EQ(redis.exited, At(1'000'080));
  EXPECT_EQ(redis.ended, At(1'000'100));
  EXPECT_EQ(redis.status, ExitStatus::Exited(0));
  EXPECT_TRUE(redis.killed());
  const auto& nginx = report.runs[0].servers[1];
  EXPECT_TRUE(nginx.warden_lost);
  EXPECT_EQ(nginx.ready, std::nullopt);
  ASSERT_THAT(nginx.survivors, SizeIs(1));
}

TEST(ReadJournalTest, ALeakThatIsToldTwiceIsOne) {
  const auto report = Read(SampleJournal());
  const auto& leaks = report.runs.at(0).leaks;
  ASSERT_THAT(leaks, SizeIs(2));
  EXPECT_EQ(leaks[0].leak.process.pid, 4711);
  EXPECT_EQ(leaks[0].leak.server, "redis");
  EXPECT_EQ(leaks[0].found, At(1'000'100));
  EXPECT_TRUE(leaks[0].leak.reaped);
  EXPECT_EQ(leaks[1].leak.process.pid, 4800);
  EXPECT_EQ(leaks[1].leak.test, "Kv.Hangs");
}

TEST(ReadJournalTest, ATestThatEndsTheProgramHasCrashed) {
  const auto report = Read(Line({{"event", "run_begin"}, {"run", "r"}}, 1) +
                           Line({{"event", "test_begin"}, {"test", "A.b"}}, 2) +
                           Line({{"event", "run_end"}, {"why", "the test program ended"}}, 3));
  EXPECT_EQ(Find(report, "A.b").result, TestResult::kCrashed);
}

TEST(ReadJournalTest, ARepeatedTestHasARecordEachTime) {
  std::string text = Line({{"event", "run_begin"}, {"run", "r"}}, 1) +
                     Line({{"event", "tests"}, {"tests", {testing::Planned("A.b"), testing::Planned("A.c")}}}, 1);
  for (int i = 0; i < 2; ++i) {
    text += Line({{"event", "iteration"}, {"iteration", i}}, 2);
    text += Line({{"event", "test_begin"}, {"test", "A.b"}}, 3);
    text += Line({{"event", "test_end"}, {"test", "A.b"}, {"result", "passed"}}, 4);
  }
  const auto report = Read(text);
  ASSERT_THAT(report.runs.at(0).tests, SizeIs(3));
  EXPECT_EQ(report.runs[0].tests[1].iteration, 1);
  EXPECT_EQ(report.runs[0].tests[2].name, "A.c");
  EXPECT_EQ(report.runs[0].tests[2].result, TestResult::kNotRun);
}

TEST(ReadJournalTest, OneFileMayHoldManyRuns) {
  const auto report = Read(SampleJournal("one") + SampleJournal("two"));
  ASSERT_THAT(report.runs, SizeIs(2));
  EXPECT_EQ(report.runs[0].id, "one");
  EXPECT_EQ(report.runs[1].id, "two");
  EXPECT_EQ(EncodeReport(report).at("runs")[0].at("tests"), EncodeReport(report).at("runs")[1].at("tests"));
  EXPECT_THAT(report.damage, IsEmpty());
}

// Every byte of every kind of line is once the last one; what stands before is whole and does not change.
TEST(ReadJournalTest, EveryTruncationOfALineLosesThatLineAndSaysSo) {
  const auto whole = SampleJournal();
  const auto first = whole.substr(0, whole.find('\n') + 1);
  const auto expected = EncodeReport(Read(first)).at("runs").dump();
  for (std::size_t begin = first.size(); begin < whole.size();) {
    const auto line = whole.substr(begin, whole.find('\n', begin) - begin);
    for (std::size_t size = 1; size <= line.size(); ++size) {
      const auto report = Read(first + line.substr(0, size));
      ASSERT_THAT(report.damage, ::testing::Contains(HasSubstr("middle of a line"))) << line.substr(0, size);
      ASSERT_EQ(EncodeReport(report).at("runs").dump(), expected) << line.substr(0, size);
    }
    begin += line.size() + 1;
  }
  for (std::size_t size = 0; size < first.size() - 1; ++size) EXPECT_THAT(Read(first.substr(0, size)).runs, IsEmpty());
}

TEST(ReadJournalTest, AJournalThatEndsBetweenLinesIsUsedAndSaidToHaveNoEnd) {
  const auto whole = SampleJournal();
  std::size_t tests = 0;
  for (auto end = whole.find('\n'); end + 1 < whole.size(); end = whole.find('\n', end + 1)) {
    const auto report = Read(std::string_view(whole).substr(0, end + 1));
    ASSERT_THAT(report.damage, ElementsAre(HasSubstr("has no end")));
    ASSERT_EQ(EncodeReport(Read(std::string_view(whole).substr(0, end + 2))).at("runs"),
              EncodeReport(report).at("runs"));
    ASSERT_GE(report.runs.at(0).tests.size(), tests);
    tests = report.runs[0].tests.size();
  }
  EXPECT_EQ(tests, 7U);
}

TEST(ReadJournalTest, LinesThatAreNoEventsAreCountedAndNamed) {
  auto text = SampleJournal();
  const auto clean = EncodeReport(Read(text)).at("runs");
  const auto second = text.find('\n') + 1;
  text.insert(second,
              "garbage\n[1,2]\n{\"event\":7}\n{\"event\":\"test_begin\",\"test\":[]}\n{}\n{\"event\":\"exited\","
              "\"warden\":1e300}\n");
  const auto report = Read(text);
  EXPECT_THAT(
      report.damage,
      ElementsAre(HasSubstr("the.jsonl: 6 lines are no events and were left out: line 2, 3, 4, 5, 6 and 1 more")));
  EXPECT_EQ(EncodeReport(report).at("runs"), clean);
}

TEST(ReadJournalTest, HostileLinesAreRefused) {
  const std::string deep(100'000, '[');
  for (const std::string& line :
       {deep, "{\"event\":\"run_begin\",\"x\":" + deep + "}",
        std::string("{\"event\":\"run_begin\",\"pid\":99999999999}"),
        std::string("{\"event\":\"run_begin\",\"pid\":1.5}"), std::string("{\"event\":\"run_begin\",\"time_ms\":-1}"),
        std::string("{\"event\":\"run_begin\",\"time_ms\":9223372036854775807}"),
        std::string("{\"event\":\"run_begin\",\"pid\":18446744073709551615}"), std::string("\0\xff\xfe", 3)}) {
    const auto report = Read(line + "\n");
    EXPECT_THAT(report.damage, ::testing::Contains(HasSubstr("is no event"))) << line.substr(0, 60);
  }
}

TEST(ReadJournalTest, AHeadThatIsMissingIsSaid) {
  const auto text = SampleJournal();
  const auto report = Read(text.substr(text.find('\n') + 1));
  EXPECT_THAT(report.damage, ElementsAre(HasSubstr("its beginning is missing")));
  EXPECT_EQ(Find(report, "Kv.Hangs").result, TestResult::kTimedOut);
}

TEST(ReadJournalTest, ANewerSchemaIsReadAsFarAsItIsKnown) {
  const auto report = Read(Line({{"event", "run_begin"}, {"schema", 9}, {"run", "r"}}, 1) +
                           Line({{"event", "from_the_future"}}, 2) + Line({{"event", "run_end"}, {"why", "x"}}, 3));
  EXPECT_THAT(report.damage, ElementsAre(HasSubstr("newer Curfew (schema 9)")));
  EXPECT_TRUE(report.runs.at(0).complete);
}

TEST(ReadJournalTest, ANumberWithAPointLosesNoLine) {
  const auto report =
      Read(Line({{"event", "run_begin"}, {"schema", 9.0}, {"run", "r"}, {"pid", 7.0}}, 1) +
           "{\"event\":\"test_end\",\"time_ms\":1e3,\"test\":\"A.b\",\"result\":\"passed\",\"duration_ms\":2.0}\n" +
           "{\"event\":\"test_end\",\"time_ms\":1e300,\"test\":\"A.c\",\"result\":\"passed\"}\n" +
           Line({{"event", "run_end"}, {"why", "x"}}, 3));
  ASSERT_THAT(report.runs.at(0).tests, SizeIs(1)) << ::testing::PrintToString(report.damage);
  EXPECT_EQ(report.runs[0].pid, 7);
  EXPECT_EQ(report.runs[0].tests[0].name, "A.b");
  EXPECT_THAT(report.damage, Contains(HasSubstr("line 3"))) << "what is no time at all is none";
}

// Bytes turned, lines swapped and doubled: whatever comes, it is read without a fault and encodes.
TEST(ReadJournalTest, RandomDamageIsNeverFatal) {
  std::mt19937 random(20'240'607);
  const auto whole = SampleJournal();
  for (int round = 0; round < 200; ++round) {
    auto text = whole;
    for (unsigned i = random() % 8 + 1; i > 0; --i) {
      const auto at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 40); break;
        case 2: text.insert(at, text.substr(random() % text.size(), random() % 200)); break;
        default: text[at] = "0123456789{}[]\",:-e\n"[random() % 20];
      }
      if (text.empty()) text = whole;
    }
    const auto report = Read(text);
    const auto encoded = EncodeReport(report);
    ASSERT_EQ(EncodeReport(DecodeReport(encoded)), encoded);
  }
}

TEST(ReadJournalTest, RandomBytesAreNeverFatal) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text(random() % 2000, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    ASSERT_THAT(Read(text).damage, Not(IsEmpty()));
  }
}

TEST(ModelJsonTest, KeepsEverything) {
  const auto encoded = EncodeReport(Read(SampleJournal()));
  EXPECT_EQ(EncodeReport(DecodeReport(encoded)), encoded);
  EXPECT_EQ(encoded.at("summary").at("tests"), 7);
  EXPECT_EQ(encoded.at("summary").at("results").at("timed_out"), 1);
  EXPECT_EQ(encoded.at("summary").at("leaks"), 2);
  EXPECT_EQ(encoded.at("summary").at("clean"), false);
}

TEST(ModelJsonTest, RefusesWhatIsNoReport) {
  EXPECT_THROW(static_cast<void>(DecodeReport({{"format", "other"}})), std::runtime_error);
  EXPECT_THROW(static_cast<void>(DecodeReport({{"format", "curfew-report"}, {"version", 99}})), std::runtime_error);
  EXPECT_THROW(static_cast<void>(DecodeTest({{"test", "A.b"}, {"result", "splendid"}})), std::runtime_error);
}

}  // namespace
}  // namespace curfew::report
