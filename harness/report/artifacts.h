// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "report/program_record.h"

namespace curfew::report {

// CURFEW_ARTIFACTS, else TEST_UNDECLARED_OUTPUTS_DIR (Bazel's), and CURFEW_KEEP; the directory made absolute.
[[nodiscard]] ArtifactSettings ArtifactsOfEnvironment();
// "failed", "always" or "never".
[[nodiscard]] std::optional<Keep> ParseKeep(const std::string& text);

// A name as one component of a path: what is not a letter, digit, dot, dash or underscore becomes an underscore.
[[nodiscard]] std::string PathComponent(const std::string& name);

// The part of a run's files that outlives it: DIRECTORY/curfew-RUN/TEST/SERVER-NUMBER.log. The run's own directory,
// where servers write, is removed with the run.
class Artifacts {
 public:
  Artifacts(ArtifactSettings settings, const std::string& run);

  void ServerStarts(const std::string& server, const std::string& test, const std::string& log);
  // `cleanly`: nothing of its tree is left.
  void ServerEnds(const std::string& log, bool cleanly = false);
  // Nobody holds its Server any more, and so nobody can ask for its log.
  void LogReleased(const std::string& log);
  void TestBegins();
  // Keeps the logs of every server that was up during the test, if it is to be kept. Returns where they are. Removes
  // those that nobody will ask for: see Useless.
  [[nodiscard]] std::vector<std::string> TestEnds(const std::string& test, bool failed);
  // The last word: logs that have grown since they were kept, and with Keep::kAlways those of no test.
  // `failed`: the test that was running when the program ended, if one was.
  [[nodiscard]] std::vector<std::string> RunEnds(const std::string& failed);

 private:
  struct ServerLog {
    std::string server;
    std::string test;
    std::filesystem::path log;
    bool up = true;
    bool during_test = true;  // it was up at some time since the running test began
    bool cleanly = false;     // its tree ended as it should
    bool released = false;    // its Server is gone
    bool suspect = false;     // a test failed while it was up
    std::vector<std::filesystem::path> kept;
  };

  [[nodiscard]] bool wanted(bool failed) const;
  // The invariant of a run of ten thousand starts, which must not keep ten thousand logs: a log is there as long as its
  // Server is (Server::log() reads it), its tree has not ended well, a test it served has failed, or it will be copied
  // when the run ends.
  [[nodiscard]] bool Useless(const ServerLog& log) const;
  // The oldest first, all but so many.
  void RemoveUseless(std::size_t but);
  void KeepUnder(const std::string& test, ServerLog& log);

  ArtifactSettings settings_;
  std::filesystem::path directory_;
  std::vector<ServerLog> logs_;
  bool in_test_ = false;  // whose end will say which logs it wants
};

}  // namespace curfew::report
