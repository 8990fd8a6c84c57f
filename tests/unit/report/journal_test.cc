// SPDX-License-Identifier: Apache-2.0
#include "report/journal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "child.h"
#include "report/encode.h"
#include "samples.h"
#include "temp_proc.h"

namespace curfew::report {
namespace {

using curfew::testing::Child;
using curfew::testing::WildProcess;
using nlohmann::json;
using ::testing::SizeIs;

class JournalTest : public ::testing::Test {
 protected:
  // The lines, parsed. One that is no JSON object is a null.
  [[nodiscard]] std::vector<json> Lines() const {
    std::vector<json> lines;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) {
      auto event = json::parse(line, nullptr, false);
      lines.push_back(event.is_object() ? std::move(event) : json());
    }
    return lines;
  }

  curfew::testing::TempProc folder_;
  std::filesystem::path path_ = folder_.root() / "journal.jsonl";
};

TEST_F(JournalTest, OneObjectALineWithItsTime) {
  Journal journal(path_);
  journal.Write({{"event", "run_begins"}});
  journal.Write({{"event", "run_ends"}});
  const auto lines = Lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].at("event"), "run_begins");
  EXPECT_EQ(lines[1].at("event"), "run_ends");
  EXPECT_GT(lines[0].at("time_ms").get<std::int64_t>(), 1'600'000'000'000);
  EXPECT_LE(lines[0].at("time_ms"), lines[1].at("time_ms"));
}

TEST_F(JournalTest, NewlinesAndWrongBytesInNamesStayInsideTheLine) {
  Journal journal(path_);
  journal.Write({{"event", "leak"}, {"process", WildProcess()}, {"\n\xff", "\r\n\n\xed\xa0\x80"}});
  journal.Write({{"event", "next"}});
  const auto lines = Lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].at("process").at("name"), "a)\n\xef\xbf\xbd");
  EXPECT_EQ(lines[1].at("event"), "next");
}

TEST_F(JournalTest, AppendsToWhatIsThereAndToWhatOthersWrite) {
  folder_.Write("journal.jsonl", "{\"event\":\"earlier\"}\n");
  Journal one(path_);
  Journal other(path_);
  one.Write({{"event", "a"}});
  other.Write({{"event", "b"}});
  one.Write({{"event", "c"}});
  const auto lines = Lines();
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0].at("event"), "earlier");
  EXPECT_EQ(lines[2].at("event"), "b");
  EXPECT_EQ(lines[3].at("event"), "c");
}

TEST_F(JournalTest, ItsDescriptorIsNotInherited) {
  const int before = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  Journal journal(path_);
  EXPECT_EQ(::fcntl(before + 1, F_GETFD), FD_CLOEXEC);
  ::close(before);
}

TEST_F(JournalTest, OneThatCannotBeOpenedWritesNothingAndHurtsNobody) {
  for (const auto& path : {std::filesystem::path(), folder_.root() / "no" / "such", folder_.root()}) {
    Journal journal(path);
    journal.Write({{"event", "lost"}});
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(JournalTest, TellsThatSomethingIsLost) {
  Journal well(path_);
  well.Write({{"event", "kept"}});
  EXPECT_EQ(well.error(), 0);
  EXPECT_EQ(Journal("").error(), 0) << "none was wanted";
  EXPECT_EQ(Journal(folder_.root() / "no" / "such").error(), ENOENT);
  Journal full("/dev/full");
  EXPECT_EQ(full.error(), 0);
  full.Write({{"event", "lost"}});
  EXPECT_EQ(full.error(), ENOSPC);
}

// A full disk takes part of a line. The one behind it must not be lost to that as well.
TEST_F(JournalTest, ALineThatWasCutShortDoesNotSpoilTheNext) {
  Child writer([this] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 100;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Journal journal(path_);
    journal.Write({{"event", "first"}});
    journal.Write({{"event", "cut"}, {"text", std::string(200, 'x')}});
    journal.Write({{"event", "lost"}});
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    journal.Write({{"event", "next"}});
    journal.Write({{"event", "last"}});
    return 0;
  });
  ASSERT_EQ(writer.Collect(), 0);
  const auto lines = Lines();
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0].at("event"), "first");
  EXPECT_TRUE(lines[1].is_null());
  EXPECT_EQ(lines[2].at("event"), "next");
  EXPECT_EQ(lines[3].at("event"), "last");
}

}  // namespace
}  // namespace curfew::report
