// SPDX-License-Identifier: Apache-2.0
#include "cli/inner_journals.h"

#include <algorithm>
#include <exception>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "report/encode.h"
#include "report/find_journals.h"

namespace curfew::cli {
namespace {

using nlohmann::json;

// Runs while their files are read, by id.
class Reader {
 public:
  void Read(const std::filesystem::path& path) {
    run_ = nullptr;
    std::ifstream file(path, std::ios::binary);
    for (std::string line; std::getline(file, line);) {
      const auto event = json::parse(line, nullptr, false);
      if (event.is_discarded()) continue;
      try {
        Apply(event);
      } catch (const std::exception&) {
        // Somebody else's line: it says nothing to us, and must not end what is done here for the command.
      }
    }
    if (run_ != nullptr && path.extension() == ".jsonl") run_->has_journal = true;
  }

  [[nodiscard]] std::vector<InnerRun> Take() && {
    std::vector<InnerRun> runs;
    for (auto& [id, run] : runs_) {
      std::ranges::stable_sort(run.tests, {}, &InnerRun::Test::begin_ms);
      runs.push_back(std::move(run));
    }
    return runs;
  }

 private:
  void Apply(const json& event) {
    const auto what = event.at("event").get<std::string>();
    const auto time = event.at("time_ms").get<std::int64_t>();
    if (what == "run_begin") {
      InnerRun begun;
      event.at("run").get_to(begun.run);
      event.at("pid").get_to(begun.pid);
      event.at("command").get_to(begun.command);
      run_ = &runs_.emplace(begun.run, begun).first->second;
    }
    if (run_ == nullptr) return;
    if (what == "test_begin") run_->tests.push_back({event.at("test").get<std::string>(), time, 0});
    if (what == "test_end" && !run_->tests.empty()) run_->tests.back().end_ms = time;
    if (what == "leak") Add(event.at("leak").get<Leak>());
    if (what == "resource")
      run_->resources.push_back({event.at("text").get<std::string>(), event.at("test").get<std::string>()});
    if (what == "strays") AddStrays(event.at("processes"));
  }

  void AddStrays(const json& processes) {
    for (const auto& process : processes) {
      Leak leak;
      leak.process = process.get<ProcessInfo>();
      leak.evidence = {"tag"};
      leak.test = run_->tests.empty() ? "" : run_->tests.back().name;
      leak.reaped = true;
      Add(std::move(leak));
    }
  }

  void Add(Leak leak) {
    // Found by the warden and told by the program, or by the keeper after it: one process all the same.
    if (!told_.emplace(leak.process.pid, leak.process.start_ticks).second) return;
    if (leak.run.empty()) leak.run = run_->run;
    run_->leaks.push_back(std::move(leak));
  }

  std::map<std::string, InnerRun> runs_;
  InnerRun* run_ = nullptr;
  std::set<std::pair<pid_t, std::uint64_t>> told_;
};

std::string CommandOf(const InnerRun& run) {
  ProcessInfo shown;
  shown.command = run.command;
  return shown.CommandLine();
}

std::string TestAt(const InnerRun& run, std::int64_t time_ms) {
  std::string test;
  // The last that had begun: what begins between two tests is told of the first of them.
  for (const auto& each : run.tests) {
    // A start time counts in clock ticks of 10 ms, rounded down.
    if (each.begin_ms <= time_ms + 10) test = each.name;
  }
  return test;
}

}  // namespace

std::vector<InnerRun> ReadInnerJournals(const std::filesystem::path& directory) {
  Reader reader;
  for (const auto& path : report::FindJournals(directory, {".jsonl", ".notes"}).paths) reader.Read(path);
  return std::move(reader).Take();
}

std::vector<Leak> OnlyFoundInside(const std::vector<InnerRun>& runs, const std::vector<Leak>& outside) {
  std::set<std::pair<pid_t, std::uint64_t>> told;
  const auto is_new = [&told](const Leak& leak) {
    return told.emplace(leak.process.pid, leak.process.start_ticks).second;
  };
  for (const auto& leak : outside) static_cast<void>(is_new(leak));
  std::vector<Leak> found;
  for (const auto& run : runs) std::ranges::copy_if(run.leaks, std::back_inserter(found), is_new);
  return found;
}

void BlameByJournals(const std::vector<InnerRun>& runs, std::vector<Leak>& leaks) {
  for (auto& leak : leaks) {
    const auto run = std::ranges::find(runs, leak.run, &InnerRun::run);
    if (leak.run.empty() || run == runs.end()) continue;
    const auto started = std::chrono::duration_cast<std::chrono::milliseconds>(leak.process.started.time_since_epoch());
    if (leak.test.empty()) leak.test = TestAt(*run, started.count());
    if (leak.ancestors.empty()) leak.ancestors.push_back(CommandOf(*run));
  }
}

}  // namespace curfew::cli
