// SPDX-License-Identifier: Apache-2.0
#include "report/stories.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "report/escape.h"

namespace curfew::report {
namespace {

const char* Words(TestResult result) {
  switch (result) {
    case TestResult::kTimedOut: return "timed out";
    case TestResult::kNotRun: return "not run";
    default: return Name(result);
  }
}

}  // namespace

std::string CountsOf(const Run& run) {
  std::string text;
  for (const auto result :
       {TestResult::kPassed, TestResult::kFailed, TestResult::kTimedOut, TestResult::kCrashed, TestResult::kUnfinished,
        TestResult::kSkipped, TestResult::kDisabled, TestResult::kNotRun}) {
    const auto count = run.Count(result);
    if (count != 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + ' ' + Words(result);
  }
  if (text.empty() && run.is_command) return CommandEnd(run);
  return text.empty() ? "no tests told of" : text;
}

std::string Headline(const TestRecord& test) {
  switch (test.result) {
    case TestResult::kTimedOut: return OneLine(test.evidence.substr(0, test.evidence.find('\n')));
    case TestResult::kCrashed: return "the test program ended while it ran";
    case TestResult::kUnfinished: return "it was running when the journal breaks off";
    case TestResult::kFailed: break;
    default: return "";
  }
  if (test.failures.empty()) return "failed";
  std::string_view message = test.failures.front().message;
  // What GoogleTest puts before the words of an ADD_FAILURE or FAIL.
  if (message.starts_with("Failed\n")) message.remove_prefix(7);
  return OneLine(message.substr(0, message.find('\n')));
}

std::string Story(const Run& run, const TestRecord& test) {
  std::ostringstream out;
  if (test.result == TestResult::kCrashed || test.result == TestResult::kUnfinished) {
    out << Headline(test);
    if (run.status) out << ": it " << *run.status;
    out << '\n';
  }
  if (!test.evidence.empty()) out << test.evidence << (test.evidence.ends_with('\n') ? "" : "\n");
  if (test.result == TestResult::kTimedOut && !test.duration && run.status) {
    out << "the test program " << *run.status << '\n';
  }
  for (const auto& failure : test.failures) {
    if (!failure.file.empty()) out << failure.file << ':' << failure.line << '\n';
    out << failure.message << (failure.message.ends_with('\n') ? "" : "\n");
  }
  if (test.failures_left_out != 0) out << "and " << test.failures_left_out << " more failures\n";
  for (const auto& server : run.servers) {
    if (server.test != test.name) continue;
    if (const auto trouble = Trouble(server); !trouble.empty()) out << "server " << trouble << '\n';
    if (server.log_tail.empty() || (test.result != TestResult::kCrashed && test.result != TestResult::kUnfinished))
      continue;
    out << "  last lines of " << server.name << ":\n";
    for (const auto& line : server.log_tail) out << "    | " << line << '\n';
  }
  for (const auto& file : test.files) out << "kept: " << file << '\n';
  return out.str();
}

std::string ProgramName(const Run& run) {
  return run.command.empty() ? "run " + run.id : std::filesystem::path(run.command.front()).filename().string();
}

std::string CommandEnd(const Run& run) {
  if (!run.is_command) return "";
  std::ostringstream out;
  if (!run.timed_out.empty()) out << run.timed_out << "; it ";
  if (run.status) {
    out << *run.status;
  } else {
    out << (run.complete ? "ended nobody knows how" : "has no end in its journal");
  }
  return out.str();
}

namespace {

// Tests that are told to be bad already because the program ended in them.
bool EndIsToldByATest(const Run& run) {
  return std::ranges::any_of(run.tests, [](const auto& test) {
    return test.result == TestResult::kCrashed || test.result == TestResult::kUnfinished ||
           (test.result == TestResult::kTimedOut && !test.duration);
  });
}

// A failed test or a leak is why a program exits with 1.
bool StatusIsExplained(const Run& run) {
  return run.finished && run.status && run.status->exited() &&
         (run.LeaksToBlame() > 0 ||
          std::ranges::any_of(run.tests, [](const auto& test) { return IsBad(test.result); }) ||
          std::ranges::any_of(run.resources, &ResourceRecord::fails));
}

std::string EndOfProgram(const Run& run) {
  if (EndIsToldByATest(run) || StatusIsExplained(run)) return "";
  std::ostringstream out;
  out << ProgramName(run);
  if (run.status) {
    out << ' ' << *run.status;
  } else {
    out << (run.complete ? " ended" : " has no end in its journal");
  }
  if (!run.tests.empty()) out << (run.finished ? ", after its tests" : ", outside of any test");
  return out.str();
}

}  // namespace

std::string AbnormalEnd(const Run& run) {
  if (run.ended_well()) return "";
  std::string text;
  if (!run.is_command) {
    text = EndOfProgram(run);
  } else if (!run.complete || !run.status || *run.status != ExitStatus::Exited(0) || !run.timed_out.empty()) {
    text = ProgramName(run) + ' ' + CommandEnd(run);
  }
  for (const auto& trouble : run.troubles) text += (text.empty() ? ProgramName(run) + ": " : "; ") + trouble;
  return text;
}

std::string AbnormalEndStory(const Run& run) {
  auto text = AbnormalEnd(run);
  if (text.empty()) return "";
  text += '\n';
  if (!run.evidence.empty()) text += "running then:\n" + run.evidence + (run.evidence.ends_with('\n') ? "" : "\n");
  if (run.stop && (!run.timed_out.empty() || !run.stop->survivors.empty())) text += run.stop->ToString() + '\n';
  return text;
}

std::string Trouble(const ServerRecord& server) {
  std::ostringstream out;
  auto add = [&out, first = true, &server](const std::string& text) mutable {
    out << (first ? server.name + ": " : ", ") << text;
    first = false;
  };
  if (server.asked && !server.launched) add("never launched");
  if (server.launched && !server.ready) add("never ready");
  if (server.warden_lost) add("its warden was killed from outside");
  if (!server.cause.empty()) add("stopped because " + server.cause);
  if (server.stop) {
    const auto killed =
        std::ranges::count_if(server.stop->processes, [](const auto& p) { return p.needed == SIGKILL; });
    if (killed > 0) add(std::to_string(killed) + (killed == 1 ? " process" : " processes") + " had to be killed");
  }
  for (const auto& survivor : server.survivors) {
    add("STILL ALIVE: " + std::to_string(survivor.process.pid) + ' ' + survivor.process.CommandLine() + " (" +
        survivor.reason + ')');
  }
  return out.str();
}

std::vector<Blame> UnsaidLeaks(const Run& run) {
  std::vector<Blame> blames;
  for (const auto& record : run.leaks) {
    if (!record.exempted.empty()) continue;
    const bool said = std::ranges::any_of(run.tests, [&record](const TestRecord& test) {
      return test.name == record.leak.test && test.result == TestResult::kFailed;
    });
    if (said) continue;
    const std::string name = record.leak.test.empty() ? "the command" : record.leak.test;
    auto blame = std::ranges::find(blames, name, &Blame::name);
    if (blame == blames.end()) blame = blames.insert(blames.end(), {name, {}});
    blame->leaks.push_back(&record);
  }
  return blames;
}

std::string Told(const ResourceRecord& resource) {
  return "left by " + (resource.test.empty() ? "the command" : resource.test) + ": " + resource.text;
}

}  // namespace curfew::report
