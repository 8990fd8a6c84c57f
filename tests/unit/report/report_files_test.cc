// SPDX-License-Identifier: Apache-2.0
#include "report/report_files.h"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "process/file_descriptor.h"
#include "report/find_journals.h"
#include "report/render.h"
#include "sample_journal.h"
#include "temp_proc.h"

namespace curfew::report {
namespace {

using curfew::testing::SampleJournal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReportFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    folder_.Write(name, text);
    return Path(name);
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return (folder_.root() / name).string(); }
  [[nodiscard]] std::string Read(const std::string& name) const {
    std::ifstream in(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  curfew::testing::TempProc folder_;
};

TEST_F(ReportFilesTest, MergesJournalsAndReportsOfManyShards) {
  const auto one = Write("one.jsonl", SampleJournal("one"));
  const auto two = Write("two.jsonl", SampleJournal("two"));
  RunReport third;
  third.runs.push_back({});
  third.runs[0].id = "three";
  third.runs[0].complete = third.runs[0].finished = true;
  const auto three = Write("three.json", RenderJson(third));
  const auto read = ReadFiles({one, two, three});
  EXPECT_THAT(read.unreadable, IsEmpty());
  EXPECT_THAT(read.notes, IsEmpty());
  ASSERT_THAT(read.report.runs, SizeIs(3));
  EXPECT_EQ(read.report.runs[2].id, "three");
}

TEST_F(ReportFilesTest, ARunThatIsGivenTwiceIsToldOnceByWhoKnowsMost) {
  const auto whole = SampleJournal("one");
  const auto cut = Write("cut.jsonl", whole.substr(0, whole.size() / 2));
  const auto full = Write("full.jsonl", whole);
  for (const auto& order : {std::vector{cut, full}, std::vector{full, cut}}) {
    const auto read = ReadFiles(order);
    ASSERT_THAT(read.report.runs, SizeIs(1));
    EXPECT_TRUE(read.report.runs[0].complete);
    EXPECT_THAT(read.notes, ElementsAre(HasSubstr("run one is also in")));
    // Nothing is said of the damage of a copy that is not used.
    EXPECT_THAT(read.report.damage, IsEmpty());
  }
}

TEST_F(ReportFilesTest, ADirectoryStandsForItsJournals) {
  Write("b.jsonl", SampleJournal("b"));
  Write("a.jsonl", SampleJournal("a"));
  Write("notes.txt", "nothing");
  const auto read = ReadFiles({folder_.root().string()});
  EXPECT_THAT(read.unreadable, IsEmpty());
  ASSERT_THAT(read.report.runs, SizeIs(2));
  EXPECT_EQ(read.report.runs[0].id, "a");
}

TEST_F(ReportFilesTest, ADirectoryThatCannotBeListedIsSaidAndKeepsNobodyFromTheOthers) {
  Write("a/a.jsonl", SampleJournal("a"));
  Write("z/z.jsonl", SampleJournal("z"));
  const auto read = FindJournals(folder_.root() / "nowhere", {".jsonl"});
  EXPECT_THAT(read.unreadable, ElementsAre(HasSubstr("ENOENT")));
  // Too long a path cannot be opened, whoever asks.
  auto deep = folder_.root() / "m";
  const std::string name(250, 'd');
  std::filesystem::create_directory(deep);
  const process::FileDescriptor top(::open(deep.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int at = ::dup(top.get());
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(::mkdirat(at, name.c_str(), 0700), 0);
    const int next = ::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    ::close(at);
    at = next;
    ASSERT_GE(at, 0);
  }
  ::close(at);
  const auto files = ReadFiles({folder_.root().string()});
  EXPECT_THAT(files.report.runs, SizeIs(2));
  EXPECT_THAT(files.unreadable, ElementsAre(HasSubstr("ENAMETOOLONG")));
}

TEST_F(ReportFilesTest, AProcessThatTwoRunsToldOfIsOneLeakWithTheLastFate) {
  Leak leak;
  leak.process = curfew::testing::PlainProcess(4711, {"sleep", "9"});
  leak.test = "Kv.Pings";
  leak.why_alive = "kept, as --keep asks";
  RunReport inner;
  inner.runs.push_back({});
  inner.runs[0].id = "inner";
  inner.runs[0].host = "builder";
  inner.runs[0].leaks = {{leak, Time(Span(5)), ""}};
  auto outer = inner;
  outer.runs[0].id = "outer";
  outer.runs[0].leaks[0].leak.test.clear();
  outer.runs[0].leaks[0].leak.reaped = true;
  outer.runs[0].leaks[0].found = Time(Span(6));
  auto elsewhere = inner;
  elsewhere.runs[0].id = "elsewhere";
  elsewhere.runs[0].host = "another machine";
  const auto read = ReadFiles(
      {Write("1.json", RenderJson(outer)), Write("2.json", RenderJson(inner)), Write("3.json", RenderJson(elsewhere))});
  ASSERT_THAT(read.report.runs, SizeIs(3));
  EXPECT_THAT(read.report.runs[1].leaks, IsEmpty());
  EXPECT_THAT(read.report.runs[2].leaks, SizeIs(1)) << "the same number of another machine";
  ASSERT_THAT(read.report.runs[0].leaks, SizeIs(1));
  EXPECT_TRUE(read.report.runs[0].leaks[0].leak.reaped);
  EXPECT_EQ(read.report.runs[0].leaks[0].leak.test, "Kv.Pings");
}

TEST_F(ReportFilesTest, WhatCannotBeReadIsNamedAndTheRestIsTold) {
  const auto good = Write("good.jsonl", SampleJournal());
  const auto read = ReadFiles({Path("missing.jsonl"), Write("noise", "no journal\n"), Write("empty", ""),
                               Write("other.json", "{\"format\":\"other\"}"),
                               Write("new.json", "{\"format\":\"curfew-report\",\"version\":2}"), good});
  EXPECT_THAT(read.unreadable, ElementsAre(HasSubstr("ENOENT"), HasSubstr("holds no run"), HasSubstr("holds no run"),
                                           HasSubstr("not a report of Curfew"), HasSubstr("version 2")));
  EXPECT_THAT(read.report.runs, SizeIs(1));
}

TEST_F(ReportFilesTest, WritesEveryFormatWhereItIsAskedFor) {
  RunReport report;
  report.runs.push_back({});
  const auto written = WriteReports(report, {.json = Path("r.json"), .junit = Path("sub/r.xml"), .html = Path("r.html"),
                                             .markdown = "-", .trace = Path("r.trace"), .github = false});
  EXPECT_THAT(written.errors, IsEmpty());
  EXPECT_EQ(Read("r.json"), RenderJson(report));
  EXPECT_EQ(Read("sub/r.xml"), RenderJunit(report));
  EXPECT_EQ(Read("r.html"), RenderHtml(report));
  EXPECT_EQ(Read("r.trace"), RenderTrace(report));
  EXPECT_EQ(written.standard_output, RenderMarkdown(report));
}

TEST_F(ReportFilesTest, OneThatCannotBeWrittenDoesNotKeepTheOthersFromIt) {
  const auto written = WriteReports(
      {}, {.json = folder_.root().string(), .junit = Path("r.xml"), .html = {}, .markdown = {}, .trace = {}});
  EXPECT_THAT(written.errors, ElementsAre(HasSubstr("failed to write")));
  EXPECT_EQ(Read("r.xml"), RenderJunit({}));
}

}  // namespace
}  // namespace curfew::report
