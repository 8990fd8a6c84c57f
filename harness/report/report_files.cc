// SPDX-License-Identifier: Apache-2.0
#include "report/report_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>
#include <tuple>

#include <nlohmann/json.hpp>

#include "process/names.h"
#include "procfs/text.h"
#include "report/decode.h"
#include "report/find_journals.h"
#include "report/model_json.h"
#include "report/read_journal.h"
#include "report/render.h"

namespace curfew::report {
namespace {

namespace fs = std::filesystem;

// How much is known of a run: the end of its keeper first, then what it tells of.
auto Knowledge(const Run& run) {
  const auto begun = std::ranges::count_if(run.tests, [](const TestRecord& test) { return test.begin.has_value(); });
  return std::tuple(run.complete, run.finished, begun, run.servers.size(), run.leaks.size());
}

std::string ReadAll(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw std::runtime_error("is a directory");
  auto text = procfs::ReadWhole(path, std::numeric_limits<std::size_t>::max());
  if (!text) throw std::runtime_error(process::DescribeErrno(errno));
  return std::move(*text);
}

// A journal's every line is an object with "event"; a report is one object with "format".
RunReport Read(const fs::path& path) {
  const auto text = ReadAll(path);
  RunReport report;
  if (const auto whole = ParseObject(text); whole && whole->contains("format")) {
    report = DecodeReport(*whole);
  } else {
    ReadJournal(text, path.string(), report);
    if (report.runs.empty()) throw std::runtime_error("holds no run: neither a journal nor a JSON report of Curfew");
  }
  return report;
}

// Keeps apart what each file told, so that nothing is said of a copy that is not used.
class FilesReader {
 public:
  explicit FilesReader(ReadFilesResult& result) : result_(result) {}

  void Add(const fs::path& path) {
    try {
      auto read = Read(path);
      const auto file = damage_.size();
      damage_.push_back(std::move(read.damage));
      used_.push_back(read.runs.empty());
      for (auto& run : read.runs) Merge(std::move(run), path, file);
    } catch (const std::exception& error) {
      result_.unreadable.push_back("failed to read " + path.string() + ": " + error.what());
    }
  }

  void Finish() {
    for (const auto& [id, file] : source_) used_[file] = true;
    for (std::size_t file = 0; file < damage_.size(); ++file) {
      if (used_[file]) std::ranges::move(damage_[file], std::back_inserter(result_.report.damage));
    }
    TellLeaksOnce(result_.report);
  }

 private:
  void Merge(Run run, const fs::path& path, std::size_t file) {
    const auto id = run.id;
    const auto merged = MergeRun(std::move(run), result_.report);
    if (merged != Merged::kNew)
      result_.notes.push_back("run " + id + " is also in " + path.string() + "; it is told once");
    if (merged != Merged::kKnownBetter) source_[id] = file;
  }

  ReadFilesResult& result_;
  std::vector<std::vector<std::string>> damage_;  // by file
  std::vector<bool> used_;
  std::map<std::string, std::size_t> source_;  // of a run's record: the file
};

void Write(const std::string& path, const std::string& text, std::ios::openmode mode, WriteResult& result) {
  if (path == "-") {
    result.standard_output += text;
    return;
  }
  std::error_code ignored;  // the open tells
  if (fs::path(path).has_parent_path()) fs::create_directories(fs::path(path).parent_path(), ignored);
  errno = 0;
  std::ofstream out(path, std::ios::binary | mode);
  out << text;
  if (out.flush()) return;
  result.errors.push_back("failed to write " + path + ": " + process::DescribeErrno(errno == 0 ? EIO : errno));
}

}  // namespace

Merged MergeRun(Run run, RunReport& report) {
  const auto known = std::ranges::find(report.runs, run.id, &Run::id);
  if (known == report.runs.end()) {
    report.runs.push_back(std::move(run));
    return Merged::kNew;
  }
  if (Knowledge(*known) >= Knowledge(run)) return Merged::kKnownBetter;
  *known = std::move(run);
  return Merged::kReplaced;
}

void TellLeaksOnce(RunReport& report) {
  // Of one boot of the machine: start times agree but for a clock that is set meanwhile.
  constexpr auto kSameStart = std::chrono::seconds(2);
  std::map<std::tuple<std::string, pid_t, std::uint64_t>, std::vector<std::pair<Run*, LeakRecord*>>> told;
  for (auto& run : report.runs) {
    for (auto& record : run.leaks) {
      told[{run.host, record.leak.process.pid, record.leak.process.start_ticks}].emplace_back(&run, &record);
    }
  }
  std::map<Run*, std::vector<const LeakRecord*>> dropped;
  for (auto& [identity, records] : told) {
    // Who looked last knows what became of it, and whether it may stay; who looked first, whose it is.
    std::ranges::stable_sort(records, {}, [](const auto& each) { return each.second->found; });
    auto& [last_run, last] = records.back();
    for (auto& [run, record] : records) {
      const auto apart = last->leak.process.started - record->leak.process.started;
      if (run == last_run || apart > kSameStart || apart < -kSameStart) continue;
      if (last->leak.test.empty()) last->leak.test = record->leak.test;
      if (last->leak.server.empty()) last->leak.server = record->leak.server;
      dropped[run].push_back(record);
    }
  }
  for (auto& [run, records] : dropped) {
    std::erase_if(run->leaks, [&records = records](const LeakRecord& record) {
      return std::ranges::find(records, &record) != records.end();
    });
  }
}

ReadFilesResult ReadFiles(const std::vector<std::string>& paths) {
  ReadFilesResult result;
  FilesReader reader(result);
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      reader.Add(path);
      continue;
    }
    auto journals = FindJournals(path, {".jsonl"});
    if (journals.paths.empty() && journals.unreadable.empty()) {
      journals.unreadable.push_back("failed to read " + path + ": the directory holds no journal (*.jsonl)");
    }
    for (const auto& journal : journals.paths) reader.Add(journal);
    std::ranges::move(journals.unreadable, std::back_inserter(result.unreadable));
  }
  reader.Finish();
  return result;
}

WriteResult WriteReports(const RunReport& report, const Outputs& outputs) {
  WriteResult result;
  const std::pair<const std::string&, std::string (*)(const RunReport&)> formats[] = {
      {outputs.json, RenderJson},         {outputs.junit, RenderJunit}, {outputs.html, RenderHtml},
      {outputs.markdown, RenderMarkdown}, {outputs.trace, RenderTrace}};
  for (const auto& [path, render] : formats) {
    if (!path.empty()) Write(path, render(report), std::ios::trunc, result);
  }
  if (!outputs.github) return result;
  result.standard_output += RenderGithub(report);
  const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
  if (summary != nullptr && *summary != '\0') Write(summary, RenderMarkdown(report), std::ios::app, result);
  return result;
}

}  // namespace curfew::report
