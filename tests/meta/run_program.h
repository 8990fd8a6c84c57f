// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace curfew::meta {

// What a program left: its end, its words, its XML, and whatever of it is still alive.
struct Outcome {
  int exit_code = -1;  // -1: a signal ended it, or it was given up on; then `end` says so
  std::string end;
  std::string output;            // stdout and stderr, in the order written
  std::string xml;               // of --gtest_output=xml, which is given unless the arguments have one
  std::vector<pid_t> strays;     // the N of the lines "stray N"
  std::vector<pid_t> survivors;  // processes that carry its environment when it has ended
  std::string mark;              // the variable they carry

  // How often the text occurs in the output.
  [[nodiscard]] std::size_t Count(const std::string& text) const;
  // The part of the output from "[ RUN      ] test" to the end of that test's last line.
  [[nodiscard]] std::string OutputOf(const std::string& test) const;
  // The part of the XML about one test.
  [[nodiscard]] std::string XmlOf(const std::string& test) const;

  // So that a failed expectation shows what happened.
  friend void PrintTo(const Outcome& outcome, std::ostream* out);
};

// Runs meta_NAME_ with these arguments and variables, none of the caller's CURFEW_ and GTEST_ ones, and waits
// for its end: at most 100 s, after which it is killed. Its processes are known by a variable of their own.
[[nodiscard]] Outcome RunProgram(const std::string& name, std::vector<std::string> arguments = {},
                                 const std::map<std::string, std::string>& variables = {});

// Kills them by identity, where some were to stay.
void EndSurvivors(const Outcome& outcome);

// The test passed, failed, or was skipped, by the printer and by the XML both.
MATCHER_P(Passed, test, "") {
  return arg.OutputOf(test).find(std::string("[       OK ] ") + test) != std::string::npos &&
         arg.XmlOf(test).find("<failure") == std::string::npos;
}
MATCHER_P(Failed, test, "") {
  return arg.OutputOf(test).find(std::string("[  FAILED  ] ") + test) != std::string::npos &&
         arg.XmlOf(test).find("<failure") != std::string::npos;
}

}  // namespace curfew::meta
