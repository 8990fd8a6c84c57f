// SPDX-License-Identifier: Apache-2.0
#include "report/artifacts.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

namespace curfew::report {
namespace {

namespace fs = std::filesystem;

// A server may have written gigabytes, and the keeper has deadlines to hold: the end is what explains a failure.
constexpr std::uintmax_t kMostBytes = 8U << 20U;
// The next test that fails may do so for a server that ended before it began.
constexpr std::size_t kKeptOutsideOfTests = 16;

bool CopyEnd(const fs::path& from, const fs::path& to) {
  std::error_code error;
  const auto size = fs::file_size(from, error);
  if (error) return false;
  fs::create_directories(to.parent_path(), error);
  std::ifstream in(from, std::ios::binary);
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  if (size > kMostBytes) {
    out << "[the first " << size - kMostBytes << " bytes are left out]\n";
    in.seekg(static_cast<std::streamoff>(size - kMostBytes));
  }
  // Bounded, too: the server may be writing faster than this reads.
  std::vector<char> block(1U << 16U);
  for (std::uintmax_t left = kMostBytes; left > 0 && in; left -= static_cast<std::uintmax_t>(in.gcount())) {
    in.read(block.data(), static_cast<std::streamsize>(std::min<std::uintmax_t>(left, block.size())));
    if (in.gcount() == 0) break;
    out.write(block.data(), in.gcount());
  }
  return static_cast<bool>(out.flush());
}

}  // namespace

ArtifactSettings ArtifactsOfEnvironment() {
  ArtifactSettings settings;
  for (const char* variable : {"CURFEW_ARTIFACTS", "TEST_UNDECLARED_OUTPUTS_DIR"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    std::error_code error;  // of a working directory that is gone; then relative names mean nothing
    settings.directory = fs::absolute(value, error).string();
    break;
  }
  if (const char* keep = std::getenv("CURFEW_KEEP")) settings.keep = ParseKeep(keep).value_or(Keep::kFailed);
  return settings;
}

std::optional<Keep> ParseKeep(const std::string& text) {
  if (text == "failed") return Keep::kFailed;
  if (text == "always") return Keep::kAlways;
  if (text == "never") return Keep::kNever;
  return std::nullopt;
}

std::string PathComponent(const std::string& name) {
  constexpr std::size_t kLongest = 200;  // of 255, which file systems take
  std::string component = name.substr(0, kLongest);
  for (char& character : component) {
    const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                       (character >= '0' && character <= '9') || character == '.' || character == '-' ||
                       character == '_';
    if (!plain) character = '_';
  }
  // "." and ".." are places, and a leading dot hides.
  if (component.empty() || component.front() == '.') component.insert(0, 1, '_');
  return component;
}

Artifacts::Artifacts(ArtifactSettings settings, const std::string& run)
    : settings_(std::move(settings)), directory_(fs::path(settings_.directory) / ("curfew-" + PathComponent(run))) {}

bool Artifacts::wanted(bool failed) const {
  if (settings_.directory.empty()) return false;
  return settings_.keep == Keep::kAlways || (settings_.keep == Keep::kFailed && failed);
}

void Artifacts::ServerStarts(const std::string& server, const std::string& test, const std::string& log) {
  const auto known = std::ranges::find(logs_, fs::path(log), &ServerLog::log);
  if (known == logs_.end()) {
    logs_.push_back({.server = server, .test = test, .log = log, .kept = {}});
  } else {  // a restart writes on in the same file
    known->up = known->during_test = true;
    known->cleanly = false;
  }
}

void Artifacts::ServerEnds(const std::string& log, bool cleanly) {
  for (auto& known : logs_) {
    if (known.log != log) continue;
    known.up = false;
    known.cleanly = known.cleanly || cleanly;
  }
  if (!in_test_) RemoveUseless(kKeptOutsideOfTests);
}

void Artifacts::LogReleased(const std::string& log) {
  for (auto& known : logs_) {
    if (known.log == log) known.released = true;
  }
  if (!in_test_) RemoveUseless(kKeptOutsideOfTests);
}

bool Artifacts::Useless(const ServerLog& log) const {
  return log.released && log.cleanly && !log.up && !log.suspect && log.kept.empty() && settings_.keep != Keep::kAlways;
}

void Artifacts::RemoveUseless(std::size_t but) {
  auto useless =
      static_cast<std::size_t>(std::ranges::count_if(logs_, [this](const ServerLog& log) { return Useless(log); }));
  std::erase_if(logs_, [&](const ServerLog& log) {
    if (useless <= but || !Useless(log)) return false;
    --useless;
    std::error_code error;  // what cannot be removed goes with the directory of the run
    fs::remove(log.log, error);
    return true;
  });
}

void Artifacts::TestBegins() {
  in_test_ = true;
  for (auto& log : logs_) log.during_test = log.up;
}

void Artifacts::KeepUnder(const std::string& test, ServerLog& log) {
  const auto target =
      directory_ / PathComponent(test.empty() ? "outside_of_tests" : test) /
      (PathComponent(log.server) + "-" + log.log.stem().string() + ".log");
  if (!CopyEnd(log.log, target)) return;
  if (std::ranges::find(log.kept, target) == log.kept.end()) log.kept.push_back(target);
}

std::vector<std::string> Artifacts::TestEnds(const std::string& test, bool failed) {
  std::vector<std::string> files;
  for (auto& log : logs_) {
    if (!log.during_test) continue;
    log.suspect = log.suspect || failed;
    if (!wanted(failed)) continue;
    const auto before = log.kept.size();
    KeepUnder(test, log);
    if (log.kept.size() > before) files.push_back(log.kept.back().string());
  }
  in_test_ = false;
  RemoveUseless(0);
  return files;
}

std::vector<std::string> Artifacts::RunEnds(const std::string& failed) {
  std::vector<std::string> files;
  if (!failed.empty()) files = TestEnds(failed, true);
  for (auto& log : logs_) {
    for (const auto& copy : log.kept) CopyEnd(log.log, copy);
    if (log.kept.empty() && wanted(false)) KeepUnder(log.test, log);
  }
  return files;
}

}  // namespace curfew::report
