// SPDX-License-Identifier: Apache-2.0
#include "report/report_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <tuple>

#include <nlohmann/json.hpp>

#include "process/names.h"
#include "report/decode.h"
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

// The files of a directory in the order of their names, so that a report does not depend on the file system.
std::vector<fs::path> JournalsIn(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    // A pipe of that name would be waited for.
    if (std::error_code gone; entry->path().extension() == ".jsonl" && entry->is_regular_file(gone)) {
      paths.push_back(entry->path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

std::string ReadAll(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw std::runtime_error("is a directory");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in.is_open() || in.bad()) throw std::runtime_error(process::DescribeErrno(errno == 0 ? EIO : errno));
  return text;
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

void Add(const fs::path& path, ReadFilesResult& result) {
  try {
    auto read = Read(path);
    for (auto& run : read.runs) {
      const auto id = run.id;
      if (MergeRun(std::move(run), result.report)) result.notes.push_back("run " + id + " is also in " + path.string() + "; it is told once");
    }
    std::ranges::move(read.damage, std::back_inserter(result.report.damage));
  } catch (const std::exception& error) {
    result.unreadable.push_back("failed to read " + path.string() + ": " + error.what());
  }
}

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

bool MergeRun(Run run, RunReport& report) {
  const auto known = std::ranges::find(report.runs, run.id, &Run::id);
  if (known == report.runs.end()) {
    report.runs.push_back(std::move(run));
    return false;
  }
  if (Knowledge(*known) < Knowledge(run)) *known = std::move(run);
  return true;
}

ReadFilesResult ReadFiles(const std::vector<std::string>& paths) {
  ReadFilesResult result;
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      Add(path, result);
      continue;
    }
    const auto journals = JournalsIn(path);
    if (journals.empty()) result.unreadable.push_back("failed to read " + path + ": the directory holds no journal (*.jsonl)");
    for (const auto& journal : journals) Add(journal, result);
  }
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
