// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <curfew/leak.h>

namespace curfew::cli {

// What the journals of the runs inside a run tell about leaks.
struct InnerRun {
  std::string run;
  pid_t pid = 0;
  std::vector<std::string> command;
  bool has_journal = false;  // else there are notes alone
  struct Test {
    std::string name;
    std::int64_t begin_ms = 0;
    std::int64_t end_ms = 0;  // 0: it had not ended
  };
  std::vector<Test> tests;
  struct Left {
    std::string text;
    std::string test;
  };
  std::vector<Left> resources;  // found by the run itself
  std::vector<Leak> leaks;  // found, and nearly always reaped, by the run itself
};

// Every journal (.jsonl) and every file of notes (.notes: of programs without a keeper) below the directory, by run.
// Lines that are not whole are passed over.
[[nodiscard]] std::vector<InnerRun> ReadInnerJournals(const std::filesystem::path& directory);

// What the runs inside found and those around them (`outside`) did not find again.
[[nodiscard]] std::vector<Leak> OnlyFoundInside(const std::vector<InnerRun>& runs, const std::vector<Leak>& outside);

// Completes the blame of processes that an inner run left and did not find itself: by its journal, the test that was
// running when the process began, and the command of the test program.
void BlameByJournals(const std::vector<InnerRun>& runs, std::vector<Leak>& leaks);

}  // namespace curfew::cli
